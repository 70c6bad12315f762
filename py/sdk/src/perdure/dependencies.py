"""What a job gets besides its payload: what it may know about its run, and what its annotations ask for.

async def charge(payload: Order, io: IO, *, stripe: Annotated[Stripe, Depends(make_stripe)]) -> None: ...
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_args, get_origin

from perdure.codec import annotation_of, is_async
from perdure.errors import ConfigurationError
from perdure.threads import run_in_thread
from perdure.wire.events import ApiEventLog
from perdure.wire.execution import (
    AccountReference,
    EnvironmentReference,
    ExecuteJob,
    JobReference,
    OrganizationReference,
    ProjectReference,
    RunReference,
    SourceReference,
    Surroundings,
)


@dataclass(frozen=True, slots=True)
class Context:
    """Third argument of a job: its run and where it runs. Only ``run.started_at`` differs between executions.

    ``ctx.environment.is_development`` tells whether to be gentle. ``account`` is the end user, if any.
    """

    run: RunReference
    job: JobReference
    environment: EnvironmentReference
    organization: OrganizationReference
    event: ApiEventLog
    project: ProjectReference | None = None
    account: AccountReference | None = None
    source: SourceReference | None = None
    """Which schedule, or which registration of a dynamic trigger, the run is for."""

    @classmethod
    def of(cls, request: ExecuteJob, surroundings: Surroundings) -> Context:
        """The context that an EXECUTE_JOB request describes."""
        return cls(run=request.run, job=request.job, event=request.event, **dict(surroundings))


@dataclass(frozen=True, slots=True)
class Depends:
    """Marks a parameter: ``Annotated[Client, Depends(make_client)]``.

    Args:
        factory: makes the value; plain or async, a class, or a generator whose rest cleans up. May itself
            take such parameters, and the Context. Called once an execution, whoever asks for it.
    """

    factory: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that the SDK fills: with the context when there is no factory."""

    name: str
    factory: Callable[..., Any] | None


def injected_parameters(
    fn: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], *, context_name: str | None = None
) -> list[Parameter]:
    """Which of these parameters the SDK fills. Others must have a default.

    Args:
        context_name: one that takes the context without saying so.
    Raises:
        ConfigurationError: one is neither a dependency nor the context, and has no default.
    """
    found: list[Parameter] = []
    for name, parameter in parameters.items():
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        annotation = annotation_of(fn, name)
        marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
        depends = next((mark for mark in marks if isinstance(mark, Depends)), None)
        if depends is not None:
            found.append(Parameter(name, depends.factory))
        elif annotation is Context or (name == context_name and parameter.default is inspect.Parameter.empty):
            found.append(Parameter(name, None))
        elif parameter.default is inspect.Parameter.empty:
            raise ConfigurationError(
                f"{getattr(fn, '__qualname__', fn)}: nothing fills the parameter {name!r}; annotate it "
                "Annotated[…, Depends(factory)] or Context, or give it a default"
            )
    return found


class Resolver:
    """Makes dependencies for one execution; each factory is called once.

    Args:
        stack: closes what was made when the execution ends.
        in_threads: call plain factories where a plain job runs, off the event loop.
    """

    def __init__(
        self,
        context: Context,
        overrides: Mapping[Callable[..., Any], Callable[..., Any]],
        stack: AsyncExitStack,
        *,
        in_threads: bool,
    ) -> None:
        self._in_threads = in_threads
        self._context = context
        self._overrides = overrides
        self._stack = stack
        self._made: dict[Callable[..., Any], Any] = {}

    async def fill(self, parameters: list[Parameter]) -> dict[str, Any]:
        """Values for these parameters, by their names."""
        return {
            one.name: self._context if one.factory is None else await self._value(one.factory)
            for one in parameters
        }

    async def _value(self, factory: Callable[..., Any]) -> Any:
        factory = self._overrides.get(factory, factory)
        if factory not in self._made:
            parameters = dict(inspect.signature(factory).parameters)
            call = partial(factory, **await self.fill(injected_parameters(_callable(factory), parameters)))
            self._made[factory] = await self._make(factory, call)
        return self._made[factory]

    async def _make(self, factory: Callable[..., Any], call: Callable[[], Any]) -> Any:
        if inspect.isasyncgenfunction(factory):
            made: Callable[[], AsyncGenerator[Any, None]] = call
            entered = asynccontextmanager(made)()
            value = await entered.__aenter__()
            self._stack.push_async_exit(partial(self._leave_async, entered))
            return value
        if inspect.isgeneratorfunction(factory):
            plain: Callable[[], Generator[Any, None, None]] = call
            manager = contextmanager(plain)()
            value = await self._call(manager.__enter__)
            self._stack.push_async_exit(partial(self._leave, manager))
            return value
        return await call() if is_async(factory) else await self._call(call)

    async def _leave_async(self, manager: AbstractAsyncContextManager[Any], *exception: Any) -> None:
        await manager.__aexit__(*exception)

    async def _leave(self, manager: AbstractContextManager[Any], *exception: Any) -> None:
        """Let it clean up. What the job failed with goes on, also when the generator catches it."""
        await self._call(partial(manager.__exit__, *exception))

    async def _call(self, call: Callable[[], Any]) -> Any:
        return await run_in_thread(call) if self._in_threads else call()


def _callable(factory: Callable[..., Any]) -> Callable[..., Any]:
    """What carries the annotations: of a class, its ``__init__``."""
    return factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
