"""What the parts of ``io`` have in common: the ways in which a call becomes a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from perdure.codec import Codec
from perdure.errors import ApiError
from perdure.keys import Key, display_key
from perdure.options import NO_OPTIONS, STANDARD_BACKOFF, TaskOptions

if TYPE_CHECKING:
    from perdure.client import ApiClient
    from perdure.execution import Execution
    from perdure.frame import Claim
    from perdure.runner import TaskRunner

MINIMAL = {"style": {"style": "minimal"}}
"""Fields of a record that is drawn small."""

WHILE_OUT_OF_REACH = replace(
    STANDARD_BACKOFF, on=lambda error: isinstance(error, ApiError) and error.is_temporary
)
"""How a call of the platform is tried again."""


class IOBase:
    """The primitives. Each takes the task's key at once, in the user's line, and returns a coroutine."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @property
    def _runner(self) -> TaskRunner:
        return self._execution.machinery.runner

    @property
    def _api(self) -> ApiClient:
        return self._execution.app.api

    @property
    def _client_id(self) -> str:
        return self._execution.app.id

    def _task(
        self, key: Key, call: Callable[[], Any], *, returns: Any = Any, options: TaskOptions = NO_OPTIONS
    ) -> Coroutine[Any, Any, Any]:
        """A task whose body is ``call``: called once, its result stored and decoded as ``returns``."""
        runner = self._runner
        return runner.run(runner.claim(key), call, _codec(key, returns), options)

    def _claimed_task(
        self, claim: Claim, call: Callable[[], Any], *, returns: Any = Any, options: TaskOptions = NO_OPTIONS
    ) -> Coroutine[Any, Any, Any]:
        """The same, for one whose key is claimed already."""
        return self._runner.run(claim, call, _codec(claim.key, returns), options)

    def _platform_task(
        self, key: Key, fields: Mapping[str, Any], *, returns: Any = Any
    ) -> Coroutine[Any, Any, Any]:
        """A task that the platform ends; ``fields`` are those of a TaskRecord besides the key. No call."""
        return self._runner.platform_task(self._runner.claim(key), fields, _codec(key, returns))

    def _effect_task(
        self, key: Key, fields: Mapping[str, Any], *, returns: Any = Any
    ) -> Coroutine[Any, Any, Any]:
        """A task that the platform does in the one call that stores it."""
        return self._runner.effect_task(self._runner.claim(key), fields, _codec(key, returns))

    def _opened_task(
        self,
        key: Key,
        fields: Mapping[str, Any],
        tell: Callable[[str], Awaitable[None]],
        *,
        returns: Any = Any,
    ) -> Coroutine[Any, Any, Any]:
        """A task with a callback, opened by a call; ``tell`` gets its URL, then the platform ends it."""
        return self._runner.opened_task(self._runner.claim(key), fields, tell, _codec(key, returns))

    def _user_call(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        """A call of a function of the user's, where this kind of ``io`` has it called."""
        return partial(fn, *args, **kwargs)

    def _side_calls(self, fn: Callable[..., Any], items: Iterable[Any]) -> list[Callable[[], Any]]:
        """The same, a call for each item, of which some are made side by side."""
        return [partial(fn, item) for item in items]

    def _note(self, key: Key, fields: Mapping[str, Any], output: Any) -> Any:
        """A task that is done already and rides along with the next call; its output, or the stored one."""
        return self._runner.note(self._runner.claim(key), fields, output)


class _ResultOf:
    """What a task's result is called in errors; made when there is one."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def __str__(self) -> str:
        return f"the result of task {display_key(self._key)!r}"


def _codec(key: Key, returns: Any) -> Codec[Any]:
    return Codec(returns, _ResultOf(key))
