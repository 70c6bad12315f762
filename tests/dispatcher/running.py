"""A dispatcher beside the test, in a thread of its own; and what tests ask the database about its work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from perdure_dispatcher.main import dispatch
from perdure_dispatcher.settings import Settings
from tests.support.builders import Run
from tests.support.waiting import eventually

LISTENER = "perdure dispatcher listener"
"""How the listening connection calls itself in ``pg_stat_activity``."""


class RunningDispatcher:
    """A dispatcher in a thread with an event loop of its own.

    Args:
        settings: as for a process.
    """

    def __init__(self, settings: Settings) -> None:
        self.drained: bool | None = None
        """What ``dispatch`` returned."""
        self._settings = settings
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=settings.name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """It has returned."""
        return not self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """What a first SIGTERM does."""
        if not self.ended:
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait for its end; raise what it raised."""
        self._thread.join(timeout=30)
        assert self.ended, "the dispatcher did not end"
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                self.drained = runner.run(dispatch(self._settings, self._stop))
        except BaseException as error:
            self._error = error


@contextmanager
def running_dispatcher(url: str, **settings: Any) -> Iterator[RunningDispatcher]:
    """A dispatcher on the database at ``url``; stopped at the end, which is waited for."""
    dispatcher = RunningDispatcher(Settings(url, **{"drain_s": 10.0, **settings}))
    try:
        yield dispatcher
    finally:
        dispatcher.ask_to_stop()
        dispatcher.join()


def wait_for_status(run: Run, *statuses: str, timeout_s: float = 10.0) -> str:
    """Wait until the run is in one of these states; returns which."""

    def reached() -> str | None:
        status = run.status
        return status if status in statuses else None

    return eventually(reached, timeout_s=timeout_s, what=f"run in {' or '.join(statuses)}") or ""


def executions(run: Run) -> list[Any]:
    """The history of the run's executions, oldest first."""
    return run.db.rows(
        "select * from perdure_views.executions where run_id = %s and ended_at is not null"
        " order by lease_number",
        run.id,
    )


def wait_for_verdicts(run: Run, *verdicts: str, timeout_s: float = 10.0) -> list[Any]:
    """Wait until the run has had this many executions; check what became of them, and return them."""
    eventually(
        lambda: len(executions(run)) >= len(verdicts), timeout_s=timeout_s, what=f"{len(verdicts)} executions"
    )
    found = executions(run)
    assert [execution.verdict for execution in found] == list(verdicts)
    return found
