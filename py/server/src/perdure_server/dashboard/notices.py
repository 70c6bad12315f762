"""A sentence for the next page: what a form has done, shown once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from perdure_server.dashboard.sessions import is_secure

_NAME = "perdure_notice"
_MAX_AGE_S = 60
_LONGEST = 500  # characters


def keep_notice(request: Request, response: Response, session_token: str, text: str) -> None:
    """Have the browser bring this sentence to the next page, for this session only."""
    content = base64.urlsafe_b64encode(text[:_LONGEST].encode()).decode()
    response.set_cookie(
        _NAME,
        f"{_signature(session_token, content)}.{content}",
        max_age=_MAX_AGE_S,
        path="/dashboard",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def read_notice(request: Request, session_token: str | None) -> str | None:
    """The sentence that a form left; None: there is none that we have made for this session."""
    signature, _, content = request.cookies.get(_NAME, "").partition(".")
    if session_token is None or not content or not content.isascii() or not signature.isascii():
        return None
    if not hmac.compare_digest(signature, _signature(session_token, content)):
        return None
    try:
        return base64.urlsafe_b64decode(content).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def forget_notice(request: Request, response: Response) -> None:
    """Have the browser forget the sentence, since it was shown."""
    response.delete_cookie(_NAME, path="/dashboard", secure=is_secure(request), httponly=True, samesite="lax")


def _signature(session_token: str, content: str) -> str:
    message = b"perdure notice v1:" + content.encode()
    return hmac.digest(session_token.encode(), message, hashlib.sha256).hex()
