"""What the loop sleeps on: hints, the next due time, and a longest sleep for when all hints are lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

DUE_GAP_S = 0.05
STUCK_GAP_S = 1.0


class Wake:
    """Remembers what wants a look, and sleeps until something does.

    The loop alternates between ``begin``, looks at whatever is wanted, and ``sleep``. Hints may come at any
    moment from other tasks of the same event loop: one that comes during a look counts for the next one.

    What is due is looked at once in DUE_GAP_S at most, unless a look moved something and left more: each wait
    that anybody stores is a hint for it, and without the gap each would cost a statement. The gap grows up to
    STUCK_GAP_S while things are due that a look cannot move: another dispatcher has them, or they are
    deliveries and no slot is free.

    Args:
        max_sleep_s: this long after the last look at everything, everything is looked at again.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, *, max_sleep_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._max_sleep_s = max_sleep_s
        self._event = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._runs = self._deliveries = self._due = True
        self._everything_at = now() + max_sleep_s
        self._next_due_at: float | None = None
        self._looked_at_due_at = now() - STUCK_GAP_S
        self._due_gap_s = DUE_GAP_S

    def hint(self, what: str) -> None:
        """Something may be there to look at.

        Args:
            what: ``runs`` or ``deliveries`` to claim, something ``due`` earlier than known; ``connected``
                runs are a server's to claim. Anything else, such as the payload of a notification from a
                newer database, counts for everything.
        """
        if what == "runs":
            self._runs = True
        elif what == "deliveries":
            self._deliveries = True
        elif what == "due":
            self._due = True
        elif what == "connected":
            return
        else:
            self._runs = self._deliveries = self._due = True
        self._event.set()

    def slot_freed(self) -> None:
        """A slot is free again, which is worth a round only when something may have waited for one."""
        if self._runs or self._deliveries:
            self._event.set()

    def rouse(self) -> None:
        """End the sleep, though nothing may want a look."""
        self._event.set()

    def hint_everything(self) -> None:
        """Hints may have been lost: look at everything."""
        self.hint("everything")

    def begin(self) -> None:
        """A round of looks begins."""
        if self._now() >= self._everything_at:
            self.hint_everything()
        if self._runs and self._deliveries and self._due:
            self._everything_at = self._now() + self._max_sleep_s
        self._event.clear()

    @property
    def runs_wanted(self) -> bool:
        """Runs may be ready."""
        return self._runs

    @property
    def deliveries_wanted(self) -> bool:
        """Deliveries may be ready."""
        return self._deliveries

    @property
    def due_wanted(self) -> bool:
        """Something may be due, and the last look at it is long enough ago."""
        return self._seconds_to_due_look() <= 0

    def look_at_runs(self) -> None:
        """A look at the ready runs begins."""
        self._runs = False

    def look_at_deliveries(self) -> None:
        """A look at the ready deliveries begins."""
        self._deliveries = False

    def look_at_due(self) -> None:
        """A look at what is due begins; ``saw_due`` ends it. Due deliveries are claimed, not moved by it."""
        now = self._now()
        if self._next_due_at is not None and self._next_due_at <= now:
            self._deliveries = True
        self._due = False
        self._next_due_at = None
        self._looked_at_due_at = now

    def saw_due(self, *, next_due_ms: int | None, moved: bool) -> None:
        """What the look at the due things showed.

        Args:
            next_due_ms: milliseconds until the next thing is due, 0: it is due now; None: nothing is
                scheduled.
            moved: the look did something.
        """
        self._next_due_at = None if next_due_ms is None else self._now() + next_due_ms / 1000
        if next_due_ms != 0:
            self._due_gap_s = DUE_GAP_S
        elif moved:
            self._due_gap_s = 0.0
        else:
            self._due_gap_s = min(max(2 * self._due_gap_s, DUE_GAP_S), STUCK_GAP_S)

    async def sleep(self) -> None:
        """Sleep until a hint comes, something falls due, or everything wants a look again."""
        self._set_alarm(max(min(self._seconds_to_due_look(), self._everything_at - self._now()), 0))
        await self._event.wait()

    def _set_alarm(self, seconds: float) -> None:
        """Have the sleep end by then. An alarm outlives sleeps, may ring too early, is seldom set anew."""
        loop = asyncio.get_running_loop()
        alarm_at = loop.time() + seconds
        if self._alarm is not None:
            if self._alarm_at <= alarm_at:
                return
            self._alarm.cancel()
        self._alarm, self._alarm_at = loop.call_at(alarm_at, self._ring), alarm_at

    def _ring(self) -> None:
        self._alarm = None
        self._event.set()

    def _seconds_to_due_look(self) -> float:
        wanted_at = self._now() if self._due else self._next_due_at
        if wanted_at is None:
            return float("inf")
        return max(wanted_at, self._looked_at_due_at + self._due_gap_s) - self._now()
