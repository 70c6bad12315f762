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


def read_http_date(text: str) -> datetime:
    """The instant that a date such as ``Sun, 06 Nov 1994 08:49:37 GMT`` means, aware.

    Raises:
        ValueError: it is no such date.
    """
    from email.utils import parsedate_to_datetime  # 4 ms, which few programs need

    instant = parsedate_to_datetime(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
