"""What a job does through ``io``: tasks, waits, log lines, integrations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar, overload

from perdure.client import ApiClient
from perdure.codec import result_codec
from perdure.integration import Integration
from perdure.keys import Key, display_key
from perdure.logger import RunLogger
from perdure.options import TaskOptions
from perdure.runner import TaskRunner
from perdure.wire.sources import UpdateSource, UpdateSourceAnswer

P = ParamSpec("P")
T = TypeVar("T")

_NO_OPTIONS = TaskOptions()
_UPDATE_SOURCE = TaskOptions(name="Update Source")


class IO:
    """Second argument of a job. What goes through it is stored, and not done again in later executions.

    The job's integrations are attributes, by their names: ``io.github``.
    """

    def __init__(
        self,
        runner: TaskRunner,
        logger: RunLogger,
        api: ApiClient,
        *,
        client_id: str,
        integrations: Mapping[str, Integration],
    ) -> None:
        self._runner = runner
        self._api = api
        self._client_id = client_id
        self._integrations = integrations
        self.logger = logger
        """Writes log lines into the run."""

    @overload
    def run_task(
        self, key: Key, fn: Callable[..., Awaitable[T]], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[..., T], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    def run_task(
        self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, Any]:
        """Call a function once, however often the run is executed: afterwards its stored result is returned.

        The result is stored as JSON and decoded with the function's return annotation, also the first time,
        so that every execution sees the same. A failure is stored too, unless a policy in ``options``
        (``TaskOptions(retry=...)``) lets it be tried again. Tasks within the function become subtasks.

        Args:
            key: unique within the surrounding task; in a loop a list with the index: ``["item", i]``.
            fn: an async function, or a plain one, which then is called directly.
            args: for ``fn``, and so are other keyword arguments.
            options: a TaskOptions; anything else named ``options`` goes to ``fn``.
        Raises:
            TaskFailed: ``fn`` raised, now or in an earlier execution, and is not tried again.
            DuplicateTaskKey: the key was used before in this execution.
            StoredResultMismatch: the stored result does not fit the annotation any more.
        """
        options = _NO_OPTIONS
        if isinstance(kwargs.get("options"), TaskOptions):
            options = kwargs.pop("options")
        claim = self._runner.claim(key)
        codec = result_codec(fn, f"the result of task {display_key(key)!r}")
        return self._runner.run(claim, partial(fn, *args, **kwargs), codec, options)

    def wait(self, key: Key, duration: timedelta | float) -> Coroutine[Any, Any, None]:
        """Wait without being executed: the app may restart, deploy or scale to zero meanwhile.

        Args:
            key: unique within the surrounding task.
            duration: a timedelta or seconds; counted by the platform's clock.
        """
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"io.wait: the duration must be 0 or more seconds, not {seconds}")
        return self._runner.wait(self._runner.claim(key), seconds)

    def update_source(
        self,
        task_key: Key,
        *,
        key: str,
        options: Mapping[str, Sequence[str]],
        data: Any = None,
        secret: str | None = None,
    ) -> Coroutine[Any, Any, UpdateSourceAnswer]:
        """Tell the platform, as a task, that an external source is registered at its provider.

        Args:
            key: the source's key.
            options: what is registered now.
            data: what the next registration needs to know, such as the webhook's id.
            secret: what the provider signs with, if it is not the one that the platform gave.
        """
        update = UpdateSource(
            key=key,
            options={name: list(values) for name, values in options.items()},
            data=data,
            secret=secret,
        )
        return self.run_task(
            task_key, self._api.update_source, self._client_id, update, options=_UPDATE_SOURCE
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        integration = self._integrations.get(name)
        if integration is None:
            known = ", ".join(self._integrations) or "none"
            raise AttributeError(
                f"io.{name}: this job has no integration of that name (it has {known}); "
                "add it to integrations=[...] of the job"
            )
        bound = integration.bind(self)
        self.__dict__[name] = bound
        return bound
