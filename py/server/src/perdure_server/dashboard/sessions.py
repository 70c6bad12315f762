"""The session of a browser: its token in a cookie, whose it is in the database."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from perdure_engine import sessions
from perdure_server.dashboard.origin import client_address
from perdure_server.services import services_of

_NAME = "perdure_session"
_MAX_AGE_S = 30 * 24 * 60 * 60  # the database ends it earlier: open_session.sql, touch_session.sql
_LONGEST_TOKEN = 100


def session_token(request: Request) -> str | None:
    """The token that the browser sent; None: none that could be one."""
    token = request.cookies.get(cookie_name(request, _NAME), "")
    return token if 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isalnum() else None


async def start_session(request: Request, user_id: str, wanted: str) -> Response:
    """Log somebody in who has shown who they are, and send them on to ``wanted``, a page of ours.

    The session is one of its own for this login, whatever the browser had before.

    Raises:
        NotFound: they are disabled.
    """
    async with services_of(request).connection() as conn:
        token = await sessions.open_session(
            conn,
            user_id,
            session_token(request),
            address=client_address(request),
            user_agent=request.headers.get("user-agent"),
        )
    response = RedirectResponse(wanted, status_code=303)
    keep_session(request, response, token)
    return response


def keep_session(request: Request, response: Response, token: str) -> None:
    """Have the browser send this token from now on."""
    response.set_cookie(
        cookie_name(request, _NAME),
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
        cookie_name(request, _NAME), path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )


def is_secure(request: Request) -> bool:
    """Whether the browser reaches us by https, be it through a proxy."""
    public_url = services_of(request).settings.public_url
    return request.url.scheme == "https" or bool(public_url and public_url.startswith("https:"))


def cookie_name(request: Request, name: str) -> str:
    """How a cookie of ours is called; over https a browser takes one with this prefix from this host only."""
    return f"__Host-{name}" if is_secure(request) else name
