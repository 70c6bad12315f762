"""What can go wrong with a call of Slack's API.

    SlackError    a refusal (``code``), or a failure on the way (``code`` None); ``retry_at`` is set by a
    rate limit

Rate limits are tried again when Slack says, failures of its own with backoff, every other refusal never.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from perdure import RateLimit, ServiceError

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

RATE_LIMITED = "ratelimited"
# Refusals that say that Slack itself is in trouble. Source: the errors of each method in Slack's
# documentation.
_TEMPORARY = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_HINTS = {
    "invalid_auth": "the token is wrong",
    "token_revoked": "the token was revoked",
    "channel_not_found": "give the id of a channel that the app can see",
    "not_in_channel": "invite the app to the channel",
}


class SlackError(ServiceError):
    """Slack refused a call, or could not be reached.

    Args:
        method: Slack's name of what was called; None: unknown.
        reason: what it answered.
        needed: the scope that the token lacks.
    Attributes:
        code: Slack's error code, such as ``channel_not_found``; None when there was no answer of its own.
        status: the HTTP status; None when there was no answer at all.
        retry_at: when a rate limit ends; None when it is not one.
    """

    def __init__(
        self,
        method: str | None,
        reason: str,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_at: datetime | None = None,
        needed: str | None = None,
    ) -> None:
        hint = f"the app needs the scope {needed}" if needed else _HINTS.get(code or "")
        place = "Slack" if method is None else f"Slack's {method}"
        super().__init__(f"{place}: {reason}{f' ({hint})' if hint else ''}", status=status, retry_at=retry_at)
        self.code = code

    @property
    def is_temporary(self) -> bool:
        """True when the same call may succeed later. Slack refuses with status 200."""
        return (
            self.retry_at is not None
            or self.status is None
            or self.status >= 500
            or (self.code is not None and self.code in _TEMPORARY)
        )


def from_slack_sdk(error: SlackApiError, rate_limit: RateLimit, *, now: datetime) -> SlackError:
    """What a refused call of slack-sdk means."""
    response = error.response
    method = str(response.api_url).rstrip("/").rpartition("/")[2]
    status: int = response.status_code
    data = response.data if isinstance(response.data, dict) else {}
    if status >= 500:  # an HTML page of a proxy, which slack-sdk would quote in full
        return SlackError(method, f"HTTP status {status}", status=status)
    code = str(data.get("error") or f"HTTP status {status}")
    limited = 429 if code == RATE_LIMITED else status  # it comes with status 200 too
    return SlackError(
        method,
        code,
        code=code,
        status=status,
        retry_at=rate_limit.end(limited, response.headers, now=now),
        needed=data.get("needed"),
    )
