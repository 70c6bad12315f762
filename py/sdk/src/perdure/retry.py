"""Retry policies of tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from perdure.clock import utc_now
from perdure.wire.tasks import RetryPolicy

ErrorTest: TypeAlias = type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool]
"""Which errors: a class, several, or a function that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a failing task is tried again. The platform computes the delays, from its own clock.

    An error that carries a response with ``Retry-After``, as those of httpx do, is tried again no earlier.

    Args:
        limit: tries in all, the first included.
        factor: how the delay grows from one retry to the next.
        min_delay_s: seconds before the first retry.
        max_delay_s: most seconds between two tries.
        randomize: multiply each delay by 1 to 2 at random, so that failing tasks do not move in step.
        on: try again after these errors only: ``on=httpx.TransportError``; None: after all.
        unless: never after these: ``unless=lambda error: error.status == 404``.
    """

    limit: int = 5
    factor: float = 1.8
    min_delay_s: float = 1.0
    max_delay_s: float = 60.0
    randomize: bool = True
    on: ErrorTest | None = None
    unless: ErrorTest | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit counts every try, so it must be 1 or more, not {self.limit}")
        if self.factor < 1:
            raise ValueError(f"factor must be 1 or more, not {self.factor}")
        if not 0 <= self.min_delay_s <= self.max_delay_s:
            raise ValueError(f"delays must be 0 <= min <= max, not {self.min_delay_s} and {self.max_delay_s}")

    def applies_to(self, error: Exception) -> bool:
        """True when the policy is for this error."""
        if self.on is not None and not _passes(self.on, error):
            return False
        return self.unless is None or not _passes(self.unless, error)

    def to_wire(self) -> RetryPolicy:
        """The policy as it travels, in milliseconds."""
        return RetryPolicy(
            limit=self.limit,
            factor=self.factor,
            min_timeout_in_ms=round(self.min_delay_s * 1000),
            max_timeout_in_ms=round(self.max_delay_s * 1000),
            randomize=self.randomize,
        )


STANDARD_BACKOFF = Retry(limit=8, factor=1.8, min_delay_s=0.5, max_delay_s=30)
"""For calls to other services: 8 tries over about a minute."""

EXPONENTIAL_BACKOFF = Retry(limit=8, factor=2, min_delay_s=1, max_delay_s=30)
"""Slower: 8 tries over about two minutes."""


def retry_after(error: Exception) -> datetime | None:
    """When the response that an error carries allows another try; None when it does not say.

    Understands ``error.response.headers["retry-after"]``, seconds or a date, as httpx, requests and others
    have it. Source: RFC 9110, section 10.2.3.
    """
    headers = getattr(getattr(error, "response", None), "headers", None)
    try:
        text = str(headers["retry-after"] if headers is not None else "").strip()
    except (KeyError, TypeError, IndexError):
        return None
    try:
        if text.isdigit():
            return utc_now() + timedelta(seconds=int(text))
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _passes(test: ErrorTest, error: Exception) -> bool:
    if isinstance(test, type | tuple):
        return isinstance(error, test)
    return test(error)
