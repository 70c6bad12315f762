"""What a failed call of a service means: a rate limit that ends, a refusal for good, or a mishap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from perdure.clock import read_http_date
from perdure.errors import ConfigurationError, PerdureError, RetryAt
from perdure.options import ErrorDecision, GiveUp

_SECOND = timedelta(seconds=1)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_TEMPORARY_REFUSALS = frozenset({408, 409, 423, 425, 429})  # timeout, conflict, locked, too early, too many


class ServiceError(PerdureError):
    """A service refused a call, or could not be reached: the base of the errors of our integrations.

    Attributes:
        status: the HTTP status; None when there was no answer.
        retry_at: when a rate limit ends; None when it is not one.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_at = retry_at

    @property
    def is_temporary(self) -> bool:
        """True when the same call may succeed later."""
        return self.retry_at is not None or self.status is None or not _is_refusal(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How a service says that there were too many calls, and until when.

    ``Retry-After`` counts first. The times in headers may be instants in unix seconds or milliseconds, dates
    (ISO 8601 or HTTP's), or durations in seconds or as ``6m0s``: which of them shows.

    Args:
        statuses: answers that mean it by themselves.
        also: answers that mean it if the headers say so: by ``Retry-After``, or with no call remaining.
        remaining: name of the header with the number of calls that are left.
        reset: name of the header with the time when there are calls again.
        unsaid: how long to wait when the service does not say; None: the backoff decides.
    """

    statuses: tuple[int, ...] = (429,)
    also: tuple[int, ...] = ()
    remaining: str = "x-ratelimit-remaining"
    reset: str = "x-ratelimit-reset"
    unsaid: timedelta | None = None

    def end(self, status: int | None, headers: Mapping[str, str], *, now: datetime) -> datetime | None:
        """When a refused call may be made again; None when no rate limit refused it, or nobody says."""
        is_certain = status in self.statuses
        if not is_certain and status not in self.also:
            return None
        said = read_time(_header(headers, "retry-after"), now)
        if said is not None:
            return max(said, now)
        remaining = _header(headers, self.remaining)
        if remaining == "0" or (is_certain and not remaining):
            reset = read_time(_header(headers, self.reset), now)
            if reset is not None:  # the second itself still belongs to the old budget, and clocks differ
                return max(reset, now) + _SECOND
        return now + self.unsaid if is_certain and self.unsaid is not None else None


def read_time(text: str, now: datetime) -> datetime | None:
    """An instant from a header: unix time, date, or duration from now; None when it is none of them."""
    text = text.strip()
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            if number >= 1e11:  # milliseconds since 1970: as seconds that would be the year 5138
                return datetime.fromtimestamp(number / 1000, UTC)
            return datetime.fromtimestamp(number, UTC) if number >= 1e9 else now + timedelta(seconds=number)
        duration = _DURATION.fullmatch(text) if text else None
        if duration is not None:
            hours, minutes, seconds, milliseconds = (float(part or 0) for part in duration.groups())
            return now + timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        return _aware(_date(text))
    except (ValueError, OverflowError, OSError):
        return None


def answer_of(error: Exception) -> tuple[int | None, Mapping[str, str]]:
    """HTTP status and headers of the answer that an error of a client library carries, as far as it does.

    Understands the errors of httpx, requests, urllib and the libraries made with them: ``error.response``
    with ``status_code`` and ``headers``, or the error itself with ``status``, ``http_status`` or ``code``.
    """
    holders = [holder for holder in (getattr(error, "response", None), error) if holder is not None]
    status: int | None = None
    headers: Any = None
    for holder in holders:
        for name in ("status_code", "status", "http_status", "code"):
            value = getattr(holder, name, None)
            if status is None and isinstance(value, int) and 100 <= value <= 599:
                status = int(value)
        found = getattr(holder, "headers", None)
        if headers is None and hasattr(found, "items"):
            headers = found
    return status, headers if headers is not None else {}


def decide(error: Exception, rate_limit: RateLimit, *, now: datetime) -> ErrorDecision:
    """What is done about an error by default.

    Tried again at the end of a rate limit, never after a refusal or a wrong setting, else by the policy.
    Errors of a service's own say it themselves: ``retry_at``, an aware datetime, and ``is_temporary``.
    """
    if isinstance(error, ConfigurationError):
        return GiveUp()
    status, headers = answer_of(error)
    said = getattr(error, "retry_at", None)
    if not isinstance(said, datetime) or said.tzinfo is None:
        said = rate_limit.end(status, headers, now=now)
    if said is not None:
        return RetryAt(said)
    is_temporary = getattr(error, "is_temporary", None)
    if not isinstance(is_temporary, bool):
        is_temporary = status is None or not _is_refusal(status)
    return None if is_temporary else GiveUp()


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status not in _TEMPORARY_REFUSALS


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((str(text) for key, text in headers.items() if key.lower() == name), "").strip()


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return read_http_date(text)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
