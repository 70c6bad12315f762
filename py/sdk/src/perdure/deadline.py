"""How long an execution may last: the host kills functions that live too long."""

from __future__ import annotations

import math
import time

from perdure.wire.replies import AutoYieldData

START_TASK_THRESHOLD_MS = 500
"""With less time left no task is started. Source: auto yield of the trigger.dev v2 protocol."""


class Deadline:
    """Counts from the moment the request came in. Without a limit there is always time left."""

    def __init__(self, limit_ms: float | None) -> None:
        self._limit_ms = limit_ms
        self._started = time.monotonic()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the request came in."""
        return (time.monotonic() - self._started) * 1000

    @property
    def remaining_ms(self) -> float:
        """Milliseconds left; infinite without a limit."""
        return math.inf if self._limit_ms is None else self._limit_ms - self.elapsed_ms

    def data(self, location: str) -> AutoYieldData:
        """What a yield tells the platform."""
        remaining = self.remaining_ms
        return AutoYieldData(
            location=location,
            time_remaining=remaining if math.isfinite(remaining) else 0,
            time_elapsed=self.elapsed_ms,
            limit=self._limit_ms,
        )
