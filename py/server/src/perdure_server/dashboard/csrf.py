"""Forms come from our own pages only: the browser says from where, and the session has a token (ADR 0025)."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from perdure_server.errors import ApiError
from perdure_server.services import services_of

FIELD = "csrf"


class Forged(ApiError):
    """A form that did not come from one of our pages, or from one that was made for another session."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "FORGED",
            "This form did not come from this dashboard, or it is out of date. Open the page again, "
            "and send it from there.",
        )


def token_of(session_token: str) -> str:
    """The token in the forms of a session; it tells nothing about the session's own."""
    return hmac.digest(session_token.encode(), b"perdure csrf v1", hashlib.sha256).hex()


def check_token(session_token: str, given: str | None) -> None:
    """Check the token that came with a form.

    Raises:
        Forged: it is missing or of another session.
    """
    if not hmac.compare_digest(token_of(session_token).encode(), (given or "").encode()):
        raise Forged


def check_origin(request: Request) -> None:
    """Check that the browser says of a form that it comes from a page of ours.

    Every browser of today sends ``Sec-Fetch-Site`` (over https and to localhost) or ``Origin`` with a form.

    Raises:
        Forged: it is from elsewhere, or the browser does not say.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Forged
        return
    origin = urlsplit(request.headers.get("origin", ""))
    public_url = services_of(request).settings.public_url
    hosts = {request.headers.get("host"), urlsplit(public_url).netloc if public_url else None}
    if not origin.netloc or origin.netloc not in hosts:
        raise Forged
