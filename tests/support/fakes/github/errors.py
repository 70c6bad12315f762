"""The errors of GitHub's REST API, with the bodies it sends."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DOCS = "https://docs.github.com/rest"


class GitHubError(Exception):
    """An answer other than 2xx. ``errors`` is the list of a 422."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, str]] | None = None,
        docs: str = DOCS,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message}
        if errors is not None:
            self.body["errors"] = errors
        self.body |= {"documentation_url": docs, "status": str(status)}
        self.headers = headers or {}


def not_found() -> GitHubError:
    """No such thing, or none that this token may see: GitHub does not tell which."""
    return GitHubError(404, "Not Found")


def bad_credentials() -> GitHubError:
    """The token is unknown."""
    return GitHubError(401, "Bad credentials")


def problems_parsing_json() -> GitHubError:
    """The body is no JSON object."""
    return GitHubError(400, "Problems parsing JSON")


def validation_failed(
    resource: str, code: str, *, field: str | None = None, message: str | None = None
) -> GitHubError:
    """A field is missing or not allowed: code missing_field, invalid, or custom with a message."""
    error = {"resource": resource, "code": code}
    if field is not None:
        error["field"] = field
    if message is not None:
        error["message"] = message
    return GitHubError(422, "Validation Failed", errors=[error])


def rate_limited(login: str) -> GitHubError:
    """The hourly budget is used up; the rate-limit headers say until when."""
    return GitHubError(
        403,
        f"API rate limit exceeded for user ID {login}.",
        docs=f"{DOCS}/overview/rate-limits-for-the-rest-api",
    )


SECONDARY_LIMIT_BODY = {
    "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    "documentation_url": f"{DOCS}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    "status": "403",
}


async def answer_error(request: Request, error: Exception) -> Response:
    """Turn a :class:`GitHubError` into its answer."""
    assert isinstance(error, GitHubError)
    return JSONResponse(error.body, error.status, error.headers)
