"""What time it is, for what jobs ask: the host's clock, or in a test the one that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

present: ContextVar[Callable[[], datetime] | None] = ContextVar("perdure_present", default=None)
"""What says the time instead of the host's clock; for tests."""


def utc_now() -> datetime:
    """The present, aware."""
    ask = present.get()
    return datetime.now(UTC) if ask is None else ask()
