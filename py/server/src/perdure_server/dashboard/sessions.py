"""The session of a browser: its token in a cookie, whose it is in the database."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure_server.services import services_of

_NAME = "perdure_session"
_MAX_AGE_S = 30 * 24 * 60 * 60  # the database ends it earlier: open_session.sql, touch_session.sql
_LONGEST_TOKEN = 100


def session_token(request: Request) -> str | None:
    """The token that the browser sent; None: none that could be one."""
    token = request.cookies.get(_cookie_name(request), "")
    return token if 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isalnum() else None


def keep_session(request: Request, response: Response, token: str) -> None:
    """Have the browser send this token from now on."""
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=_MAX_AGE_S,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def forget_session(request: Request, response: Response) -> None:
    """Have the browser forget its token."""
    response.delete_cookie(
        _cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )


def is_secure(request: Request) -> bool:
    """Whether the browser reaches us by https, be it through a proxy."""
    public_url = services_of(request).settings.public_url
    return request.url.scheme == "https" or bool(public_url and public_url.startswith("https:"))


def _cookie_name(request: Request) -> str:
    # With this prefix a browser takes the cookie from nobody but this host, by https.
    return f"__Host-{_NAME}" if is_secure(request) else _NAME
