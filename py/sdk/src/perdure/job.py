"""A job: a function of the user's with what starts it, checked when it is declared."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    Unpack,
    overload,
)

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import to_json

from perdure import wire
from perdure.codec import Codec, annotation_of, is_async, result_codec
from perdure.dependencies import Parameter, injected_parameters
from perdure.errors import ConfigurationError
from perdure.hooks import Hooks
from perdure.io.async_io import IO
from perdure.triggers.event import EventTrigger, Trigger
from perdure.wire.events import ApiEventLog
from perdure.wire.execution import PayloadProblem
from perdure.wire.runs import ConcurrencyGroup, InvokedRun

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.integrations import Integration
    from perdure.postgres import AsyncTransaction, Enqueued, StartOptions

P = ParamSpec("P")
In = TypeVar("In")
Out = TypeVar("Out")
Called = TypeVar("Called")

_SLUG = re.compile(r"[a-z0-9][a-z0-9\-._~]*")
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?")
_LONGEST_TIMEOUT = timedelta(days=365)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class InvalidPayloadError(Exception):
    """The payload of an event does not fit the job's annotation."""

    def __init__(self, problems: list[PayloadProblem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class Job(Generic[In, Out, P, Called]):
    """A registered job. Calling it calls the bare function, as in a unit test; nothing is stored then.

    Args:
        app: what it belongs to; None: it can only be run.
        internal: hidden from people; its id may be anything. The others are as those of ``app.job``.
    Raises:
        ConfigurationError: the declaration is wrong; the text says where and how to fix it.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        id: str,
        version: str,
        on: Trigger,
        integrations: Sequence[Integration] = (),
        name: str | None = None,
        enabled: bool = True,
        concurrency_limit: int | ConcurrencyGroup | None = None,
        timeout: timedelta | None = None,
        internal: bool = False,
        app: Perdure | None = None,
    ) -> None:
        if not internal and not _SLUG.fullmatch(id):
            raise ConfigurationError(
                f"job id {id!r}: use lower-case letters, digits and -._~ only, first a letter or digit"
            )
        if not _SEMVER.fullmatch(version):
            raise ConfigurationError(f"job {id!r}: version must be like '1.0.0', not {version!r}")
        if not isinstance(on, Trigger):
            raise ConfigurationError(
                f"job {id!r}: on= must be a trigger such as event_trigger(...), not {on!r}"
            )
        if isinstance(concurrency_limit, int) and concurrency_limit < 1:
            raise ConfigurationError(f"job {id!r}: concurrency_limit must be 1 or more")
        if timeout is not None and not timedelta(0) < timeout <= _LONGEST_TIMEOUT:
            raise ConfigurationError(f"job {id!r}: timeout must be more than 0 and at most 365 days")
        self._payload_name, self.injected = _check_signature(id, fn)
        self.fn = fn
        self.is_async = is_async(fn)
        """False for a plain function, which gets a SyncIO."""
        self.id = id
        self.version = version
        self.on = on
        """What starts it."""
        self.name = name or id
        self.enabled = enabled
        self.concurrency_limit = concurrency_limit
        self.timeout = timeout
        """How long a run may take, from when it was created."""
        self.internal = internal
        self.integrations = _by_name(id, integrations)
        self.hooks = Hooks()
        self._app = app
        update_wrapper(self, fn)

    def __call__(self, payload: In, /, *args: P.args, **kwargs: P.kwargs) -> Called:
        """Call the bare function."""
        called: Called = self.fn(payload, *args, **kwargs)
        return called

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.version}>"

    @property
    def app(self) -> Perdure:
        """The app that it was declared on."""
        if self._app is None:
            raise ConfigurationError(f"job {self.id!r} belongs to no app: declare it with @app.job(...)")
        return self._app

    # Starting it

    async def trigger(
        self,
        payload: In,
        *,
        id: str | None = None,
        context: Any = None,
        deliver_at: datetime | None = None,
        deliver_after: timedelta | None = None,
        account_id: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> ApiEventLog:
        """Send the event that this job runs for, which starts every other job that runs for it too.

        The arguments are as those of ``app.send_event``.

        Raises:
            ConfigurationError: it does not run for events.
            ApiError: refused, or the API could not be reached.
        """
        name, source = self.event()
        return await self.app.send_event(
            name,
            payload,
            id=id,
            context=context,
            source=source,
            deliver_at=deliver_at,
            deliver_after=deliver_after,
            account_id=account_id,
            tags=tags,
            metadata=metadata,
        )

    async def invoke(
        self,
        payload: In,
        *,
        idempotency_key: str | None = None,
        account_id: str | None = None,
        callback_url: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> InvokedRun:
        """Start this job and no other, whatever it runs for.

        The arguments are as those of ``app.invoke_job``.

        Returns: the run, as ``.id``.
        Raises:
            ApiError: refused, or the API could not be reached.
        """
        return await self.app.invoke_job(
            self,
            payload,
            idempotency_key=idempotency_key,
            account_id=account_id,
            callback_url=callback_url,
            tags=tags,
            metadata=metadata,
        )

    @overload
    def enqueue(  # type: ignore[overload-overlap]
        self, connection: AsyncTransaction, payload: In, **options: Unpack[StartOptions]
    ) -> Awaitable[Enqueued]: ...

    @overload
    def enqueue(self, connection: object, payload: In, **options: Unpack[StartOptions]) -> Enqueued: ...

    def enqueue(self, connection: Any, payload: In, **options: Any) -> Any:
        """Start this job within the caller's own transaction, over a connection to the same Postgres.

        See ``Perdure.enqueue``.
        """
        from perdure.postgres import enqueue_job

        return enqueue_job(self, connection, payload, **options)

    def event(self) -> tuple[str, str]:
        """Name and source of the event that it runs for, the first of several.

        Raises:
            ConfigurationError: it does not run for events.
        """
        if not isinstance(self.on, EventTrigger):
            raise ConfigurationError(
                f"job {self.id!r} does not run for events: start it with invoke, or declare it with "
                "on=event_trigger(...)"
            )
        name = self.on.name
        return (name if isinstance(name, str) else name[0]), self.on.source

    def on_success(self, fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Decorator: call ``fn(notification)`` when a run of this job has succeeded."""
        self.hooks.add_success(fn)
        return fn

    def on_failure(self, fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Decorator: call ``fn(notification)`` when a run of this job has failed or was cancelled."""
        self.hooks.add_failure(fn)
        return fn

    # Running it

    def call(self, payload: Any, io: Any, injected: Mapping[str, Any]) -> Any:
        """Call the function with all that it takes."""
        return self.fn(payload, io, **injected)

    def decode_payload(self, payload: Any) -> Any:
        """The payload as the type that the function's first parameter, or else the trigger, names.

        Raises:
            InvalidPayloadError: it does not fit; each problem has its path.
        """
        payload = {} if payload is None else payload
        adapter = self._payload_adapter
        if adapter is None:
            return payload
        try:
            return adapter.validator.validate_json(to_json(payload))
        except ValidationError as error:
            raise InvalidPayloadError(
                [
                    PayloadProblem(path=list(problem["loc"]), message=problem["msg"])
                    for problem in error.errors(include_url=False, include_context=False, include_input=False)
                ]
            ) from error

    @cached_property
    def output_codec(self) -> Codec[Any]:
        """Writes what the function returns."""
        return result_codec(self.fn, f"the output of job {self.id!r}", read_back=False)

    def metadata(self) -> wire.manifest.JobMetadata:
        """How the platform is told about it."""
        return wire.manifest.JobMetadata(
            id=self.id,
            name=self.name,
            version=self.version,
            event=self.on.specification(self._payload_schema()),
            trigger=self.on.metadata(),
            integrations={name: integration.config() for name, integration in self.integrations.items()},
            internal=self.internal,
            enabled=self.enabled,
            preprocess_runs=self.on.run_properties is not None,
            concurrency_limit=self.concurrency_limit,
            timeout_in_seconds=None if self.timeout is None else self.timeout.total_seconds(),
        )

    @cached_property
    def _payload_adapter(self) -> TypeAdapter[Any] | None:
        annotation = annotation_of(self.fn, self._payload_name)
        if annotation is Any:
            annotation = self.on.payload_type
        return Codec[Any](annotation, f"the payload of job {self.id!r}").adapter

    def _payload_schema(self) -> Any:
        if self._payload_adapter is None:
            return None
        try:
            return self._payload_adapter.json_schema()
        except PydanticInvalidForJsonSchema:  # a type without a schema still decodes
            return None


AnyJob: TypeAlias = Job[Any, Any, ..., Any]


class JobDecorator(Protocol):
    """What ``app.job(...)`` returns: makes a Job of a function, async or plain."""

    @overload
    def __call__(
        self, fn: Callable[Concatenate[In, P], Coroutine[Any, Any, Out]], /
    ) -> Job[In, Out, P, Coroutine[Any, Any, Out]]: ...

    @overload
    def __call__(self, fn: Callable[Concatenate[In, P], Out], /) -> Job[In, Out, P, Out]: ...

    def __call__(self, fn: Callable[..., Any], /) -> AnyJob:
        """Declare ``fn`` as a job."""
        ...


def _check_signature(job_id: str, fn: Callable[..., Any]) -> tuple[str, list[Parameter]]:
    """The name of the payload parameter, and the parameters besides payload and io."""
    parameters = dict(inspect.signature(fn).parameters)
    names = list(parameters)
    first = [name for name in names[:2] if parameters[name].kind in _POSITIONAL]
    if len(first) < 2:
        raise ConfigurationError(
            f"job {job_id!r}: {getattr(fn, '__qualname__', fn)} must take (payload, io) and what else it "
            f"needs, not ({', '.join(names)})"
        )
    rest = {name: parameters[name] for name in names[2:]}
    if any(one.kind is inspect.Parameter.POSITIONAL_ONLY for one in rest.values()):
        raise ConfigurationError(f"job {job_id!r}: only payload and io may be positional-only")
    try:
        third = names[2] if len(names) > 2 and rest[names[2]].kind in _POSITIONAL else None
        return names[0], injected_parameters(fn, rest, context_name=third)
    except ConfigurationError as error:
        raise ConfigurationError(f"job {job_id!r}: {error}") from error


def _by_name(job_id: str, integrations: Sequence[Integration]) -> Mapping[str, Integration]:
    if not integrations:
        return {}
    from perdure.integrations import Integration

    by_name: dict[str, Integration] = {}
    for integration in integrations:
        if not isinstance(integration, Integration):
            raise ConfigurationError(f"job {job_id!r}: {integration!r} is not an integration")
        if hasattr(IO, integration.name):
            raise ConfigurationError(
                f"job {job_id!r}: an integration named {integration.name!r} would hide io's own"
            )
        if integration.name in by_name:
            raise ConfigurationError(f"job {job_id!r}: two integrations are named {integration.name!r}")
        by_name[integration.name] = integration
    return by_name
