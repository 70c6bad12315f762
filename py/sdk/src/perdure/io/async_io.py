"""``IO``: the second argument of an async job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from perdure.codec import is_async
from perdure.io.events import EventsIO, InvocationsIO
from perdure.io.schedules import SchedulesIO
from perdure.io.state import MetadataIO, StateIO, ValuesIO
from perdure.io.tasks import TasksIO, TransactionIO
from perdure.io.waits import BackgroundIO, WaitsIO
from perdure.threads import run_in_own_thread, run_in_thread

if TYPE_CHECKING:
    from perdure.integrations import Integration
    from perdure.logger import RunLogger


class IO(
    TasksIO,
    WaitsIO,
    EventsIO,
    InvocationsIO,
    BackgroundIO,
    StateIO,
    MetadataIO,
    ValuesIO,
    TransactionIO,
    SchedulesIO,
):
    """Second argument of a job. What goes through it is stored, and not done again in later executions.

    The job's integrations are attributes, by their names: ``io.github``.
    """

    @property
    def logger(self) -> RunLogger:
        """Writes log lines into the run, and to ``logging`` as ``perdure.job.<id>``."""
        return self._execution.machinery.logger

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return bind_integration(self, self._execution.integrations, name)


class ThreadedIO(IO):
    """What a plain job's ``SyncIO`` is made of: functions of the user's are called off the event loop."""

    def _user_call(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        call = super()._user_call(fn, *args, **kwargs)
        return call if is_async(fn) else partial(run_in_thread, call)

    def _side_calls(self, fn: Callable[..., Any], items: Iterable[Any]) -> list[Callable[[], Any]]:
        calls = super()._side_calls(fn, items)
        return calls if is_async(fn) else [partial(run_in_own_thread, call) for call in calls]


def bind_integration(io: Any, integrations: Mapping[str, Integration], name: str) -> Any:
    """The integration of this name, bound to ``io`` for as long as that lives.

    Raises:
        AttributeError: the job has none of that name.
    """
    integration = integrations.get(name)
    if integration is None:
        known = ", ".join(integrations) or "none"
        raise AttributeError(
            f"io.{name}: this job has no integration of that name (it has {known}); "
            "add it to integrations=[...] of the job"
        )
    bound = integration.bind(io)
    io.__dict__[name] = bound
    return bound
