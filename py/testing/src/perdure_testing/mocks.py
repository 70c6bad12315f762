"""Stand-ins for what tasks call: the tasks stay real, stored and tried again; only their body is another."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

from perdure.app import Perdure
from perdure.codec import Codec, to_plain
from perdure.errors import NonRetryableError, StoredResultMismatch
from perdure.frame import Claim
from perdure.options import TaskOptions
from perdure.runner import TaskRunner
from perdure_integrations import Integration


@dataclass(frozen=True, slots=True)
class MockedCall:
    """One call of a task's body that a mock took."""

    key: str
    """The task's key."""
    args: tuple[Any, ...]
    """What the method was given besides the key; nothing of a task that is mocked by its key."""
    kwargs: dict[str, Any]
    params: Any
    """The task's params, as they are shown."""


class Mock:
    """What a mocked task does; ``calls`` has each try of it.

    Args:
        returns: the result; also as plain data where the task returns a model.
        raises: raised at each call, so it is subject to the task's retries.
        side_effect: called with what the method was given, its result is the task's; it may be async. Or a
            list: a result or an exception for each call, in order.
    """

    def __init__(
        self,
        returns: Any = None,
        raises: BaseException | None = None,
        side_effect: Callable[..., Any] | Iterable[Any] | None = None,
    ) -> None:
        self._returns = returns
        self._raises = raises
        self._call = side_effect if callable(side_effect) else None
        self._each = None if side_effect is None or callable(side_effect) else iter(side_effect)
        self.calls: list[MockedCall] = []

    async def answer(self, call: MockedCall) -> Any:
        """Take a call."""
        self.calls.append(call)
        if self._raises is not None:
            raise self._raises
        if self._call is not None:
            result = self._call(*call.args, **call.kwargs)
            return await result if inspect.isawaitable(result) else result
        if self._each is None:
            return self._returns
        try:
            result = next(self._each)
        except StopIteration:
            raise AssertionError(f"the mock of {call.key!r} has no answer left") from None
        if isinstance(result, BaseException):
            raise result
        return result


@dataclass(frozen=True, slots=True)
class _Method:
    """A mocked method of an integration that is under way."""

    integration: Integration[Any, Any]
    mock: Mock
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


_method: ContextVar[_Method | None] = ContextVar("perdure_mocked_method", default=None)


class Mocks:
    """The mocks of one test."""

    def __init__(self) -> None:
        self._methods: dict[tuple[str, str], Mock] = {}
        self._tasks: dict[str, Mock] = {}
        self._binds: dict[type[Integration[Any, Any]], Any] = {}
        self._run: Any = None

    def add_method(self, integration: Integration[Any, Any] | str, method: str, mock: Mock) -> None:
        """Mock a method of an integration, such as ``create_issue`` of ``github``."""
        name = integration if isinstance(integration, str) else integration.name
        self._methods[name, method] = mock
        self._replace_runs()

    def add_task(self, key: str, mock: Mock) -> None:
        """Mock a task by its key."""
        self._tasks[key] = mock
        self._replace_runs()

    def take_part(self, app: Perdure) -> None:
        """Have the integrations of an app's jobs bring their mocks."""
        for job in app.jobs:
            for integration in job.integrations.values():
                kind = type(integration)
                if kind not in self._binds:
                    self._binds[kind] = vars(kind).get("bind")
                    setattr(kind, "bind", self._binding(kind.bind))  # noqa: B010 - no type allows it

    def undo(self) -> None:
        """Let everything be as it was."""
        for kind, own in self._binds.items():
            if own is None:
                delattr(kind, "bind")
            else:
                setattr(kind, "bind", own)  # noqa: B010
        if self._run is not None:
            TaskRunner.run = self._run  # type: ignore[method-assign]
        self._methods, self._tasks, self._binds, self._run = {}, {}, {}, None

    def _binding(self, bind: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def bind_mocked(integration: Integration[Any, Any], io: Any) -> Any:
            tasks = bind(integration, io)
            mocks = {
                method: mock for (name, method), mock in self._methods.items() if name == integration.name
            }
            return _MockedTasks(integration, tasks, mocks) if mocks else tasks

        return bind_mocked

    def _replace_runs(self) -> None:
        if self._run is not None:
            return
        original = self._run = TaskRunner.run

        def run(
            runner: TaskRunner, claim: Claim, call: Callable[[], Any], codec: Codec[Any], options: TaskOptions
        ) -> Coroutine[Any, Any, Any]:
            return original(runner, claim, self._body(claim, codec, options) or call, codec, options)

        TaskRunner.run = run  # type: ignore[assignment,method-assign]

    def _body(
        self, claim: Claim, codec: Codec[Any], options: TaskOptions
    ) -> Callable[[], Awaitable[Any]] | None:
        method = _method.get()
        mock = method.mock if method is not None else self._tasks.get(claim.shown)
        if mock is None:
            return None
        args, kwargs = (method.args, method.kwargs) if method is not None else ((), {})
        call = MockedCall(claim.shown, args, kwargs, options.params)

        async def body() -> Any:
            try:
                result = await mock.answer(call)
            except Exception as error:
                if method is None or (explained := method.integration.explain(error)) is error:
                    raise
                raise explained from error
            what = f"what the mock of {claim.shown!r} returns"
            try:
                return None if result is None else codec.decode(to_plain(result, what))
            except (TypeError, StoredResultMismatch) as error:
                raise NonRetryableError(f"{what} is no result of the task: {error}") from error

        return body


class _MockedTasks:
    """What ``io.<name>`` is while some of its methods are mocked."""

    def __init__(self, integration: Integration[Any, Any], tasks: Any, mocks: dict[str, Mock]) -> None:
        self._integration = integration
        self._tasks = tasks
        self._mocks = mocks

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tasks, name)
        mock = self._mocks.get(name)
        return found if mock is None else _mocked(self._integration, found, mock)

    def with_options(self, **options: Any) -> _MockedTasks:
        """The same, with other options for the tasks."""
        return _MockedTasks(self._integration, self._tasks.with_options(**options), self._mocks)


def _mocked(integration: Integration[Any, Any], method: Callable[..., Any], mock: Mock) -> Callable[..., Any]:
    @wraps(method)
    def call(key: Any, *args: Any, **kwargs: Any) -> Any:
        under_way = _Method(integration, mock, args, kwargs)
        token = _method.set(under_way)
        try:
            result = method(key, *args, **kwargs)
        finally:
            _method.reset(token)
        return _within(under_way, result) if inspect.isawaitable(result) else result

    return call


async def _within(method: _Method, awaitable: Awaitable[Any]) -> Any:
    token = _method.set(method)
    try:
        return await awaitable
    finally:
        _method.reset(token)
