"""What can go wrong with a call of GitHub's API.

    GitHubError    a refusal (``status``) or no answer (None); ``retry_at`` is set by a rate limit

Rate limits are tried again when GitHub says, failures of its own with backoff, every other refusal never.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perdure import RateLimit, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from githubkit.exception import RequestError

_HINTS = {
    401: "the token is wrong or has expired",
    403: "the token may not do this",
    404: "it is not there, or the token may not see it",
}
_UNSAID_WAIT = timedelta(minutes=1)  # what GitHub asks for when a secondary limit comes without a time
RATE_LIMIT = RateLimit(also=(403,), unsaid=_UNSAID_WAIT)


class GitHubError(ServiceError):
    """GitHub refused a call, or could not be reached.

    Attributes:
        status: the HTTP status; None when there was no answer.
        reason: GitHub's message.
        errors: the fields that a 422 complains about, as GitHub lists them.
        retry_at: when a rate limit ends; None when it is not one.
    """

    def __init__(
        self,
        call: str,
        reason: str,
        *,
        status: int | None = None,
        errors: list[Any] | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        answer = "did not answer" if status is None else f"answered {status} to"
        details = "".join(f"; {_describe(error)}" for error in errors or [])
        hint = "" if retry_at or status not in _HINTS else f" ({_HINTS[status]})"
        super().__init__(f"GitHub {answer} {call}: {reason}{details}{hint}", status=status, retry_at=retry_at)
        self.reason = reason
        self.errors = errors or []


def from_githubkit(error: RequestError[Any]) -> GitHubError:
    """What a failed call of githubkit means."""
    request = error.request if hasattr(error, "request") else None
    call = "a call" if request is None else f"{request.method} {request.url.path}"
    response = getattr(error, "response", None)
    if response is None:
        return GitHubError(call, f"{type(error.exc).__name__}: {error.exc}")
    try:
        body = response.json()
    except ValueError:  # a proxy's or GitHub's own HTML
        body = None
    body = body if isinstance(body, dict) else {}
    reason = str(body.get("message") or response.reason_phrase)
    errors = body.get("errors")
    return GitHubError(
        call,
        reason,
        status=response.status_code,
        errors=errors if isinstance(errors, list) else None,
        retry_at=rate_limit_end(response.status_code, response.headers, reason, now=datetime.now(UTC)),
    )


def rate_limit_end(
    status: int, headers: Mapping[str, str], message: str, *, now: datetime
) -> datetime | None:
    """When a refused call may be made again; None when no rate limit refused it.

    Source: "Rate limits for the REST API" in GitHub's documentation: ``retry-after`` first, then, with no
        call remaining, ``x-ratelimit-reset``, and a minute when a secondary limit tells neither.
    """
    end = RATE_LIMIT.end(status, headers, now=now)
    is_secondary = status == 403 and "rate limit" in message.lower()
    return now + _UNSAID_WAIT if end is None and is_secondary else end


def _describe(error: Any) -> str:
    """One entry of the ``errors`` of a 422."""
    if not isinstance(error, dict):
        return str(error)
    place = ".".join(str(error[name]) for name in ("resource", "field") if error.get(name))
    return f"{place}: {error.get('message') or error.get('code')}"
