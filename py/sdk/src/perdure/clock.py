"""What time it is for jobs, which a test may move, and how long an execution may last."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

START_TASK_THRESHOLD_MS = 500
"""With less time left no task is started. Source: auto yield of the trigger.dev v2 protocol."""

present: ContextVar[Callable[[], datetime] | None] = ContextVar("perdure_present", default=None)
"""What says the time instead of the host's clock; for tests."""


def utc_now() -> datetime:
    """The present, aware."""
    ask = present.get()
    return datetime.now(UTC) if ask is None else ask()


def read_http_date(text: str) -> datetime:
    """The instant that a date such as ``Sun, 06 Nov 1994 08:49:37 GMT`` means, aware.

    Raises:
        ValueError: it is no such date.
    """
    from email.utils import parsedate_to_datetime  # 4 ms, which few programs need

    instant = parsedate_to_datetime(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


class Deadline:
    """Counts from the moment the request came in. Without a limit there is always time left."""

    def __init__(self, limit_ms: float | None) -> None:
        self.limit_ms = limit_ms
        """Milliseconds that it may take; None: any time."""
        self._started = time.monotonic()
        self._ends = math.inf if limit_ms is None else self._started + limit_ms / 1000

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the request came in."""
        return (time.monotonic() - self._started) * 1000

    @property
    def remaining_ms(self) -> float:
        """Milliseconds left; infinite without a limit."""
        return (self._ends - time.monotonic()) * 1000
