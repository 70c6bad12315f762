"""What can go wrong with a call of Slack's API, and whether to try again.

    SlackError    a refusal (``code``), or a failure on the way (``code`` None); ``retry_at`` is set by a
    rate limit

Rate limits are tried again when Slack says, failures of its own with backoff, every other refusal never.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perdure.errors import PerdureError, RetryAt
from perdure.options import ErrorDecision, GiveUp

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

RATE_LIMITED = "ratelimited"
# Refusals that say that Slack itself is in trouble. Source: the errors of each method in Slack's
# documentation.
_TEMPORARY = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_HINTS = {
    "not_authed": "there is no token: give Slack(..., token=...) or set SLACK_BOT_TOKEN",
    "invalid_auth": "the token is wrong",
    "token_revoked": "the token was revoked",
    "missing_scope": "the app needs the scope chat:write",
    "channel_not_found": "give the id of a channel that the app can see",
    "not_in_channel": "invite the app to the channel",
}
_UNSAID_WAIT = timedelta(seconds=30)


class SlackError(PerdureError):
    """Slack refused a call, or could not be reached.

    Attributes:
        code: Slack's error code, such as ``channel_not_found``; None when there was no answer of its own.
        status: the HTTP status; None when there was no answer at all.
        retry_at: when a rate limit ends; None when it is not one.
    """

    def __init__(
        self,
        method: str,
        reason: str,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        hint = f" ({_HINTS[code]})" if code in _HINTS else ""
        super().__init__(f"Slack's {method}: {reason}{hint}")
        self.code = code
        self.status = status
        self.retry_at = retry_at

    @property
    def is_temporary(self) -> bool:
        """True when the same call may succeed later."""
        return (
            self.retry_at is not None
            or self.status is None
            or self.status >= 500
            or (self.code is not None and self.code in _TEMPORARY)
        )


def from_slack_sdk(method: str, error: SlackApiError, *, now: datetime) -> SlackError:
    """What a refused call of slack-sdk means."""
    response = error.response
    status: int = response.status_code
    data = response.data if isinstance(response.data, dict) else {}
    if status >= 500:  # an HTML page of a proxy, which slack-sdk would quote in full
        return SlackError(method, f"HTTP status {status}", status=status)
    code = str(data.get("error") or f"HTTP status {status}")
    retry_at = None
    if status == 429 or code == RATE_LIMITED:
        retry_at = now + _retry_after(response.headers)
    return SlackError(method, code, code=code, status=status, retry_at=retry_at)


def decide(error: Exception) -> ErrorDecision:
    """Whether a failed task is tried again: the ``on_error`` of every task here."""
    if not isinstance(error, SlackError):
        return None
    if error.retry_at is not None:
        return RetryAt(error.retry_at)
    return None if error.is_temporary else GiveUp()


def _retry_after(headers: dict[str, str]) -> timedelta:
    seconds = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else _UNSAID_WAIT
