"""Cross-origin reads: what public keys open, a page of any origin may fetch (React hooks and the like)."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Scope

_PERMISSION = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*"))
_MAX_AGE_S = 86_400


def open_to_browsers(scope: Scope) -> None:
    """Mark a request: pages of any origin may read the answer."""
    scope.setdefault("state", {})["open_to_browsers"] = True


def permission(scope: Scope) -> Iterable[tuple[bytes, bytes]]:
    """Headers for the answer to a request, an error included: pages may read what was marked.

    No cookie is ever looked at: a page can only read what it has a key for.
    """
    return _PERMISSION if scope["state"].get("open_to_browsers") else ()


def answer_preflight(methods: Iterable[str]) -> Response:
    """What a browser asks before it sends a page's request."""
    return Response(
        headers={
            "access-control-allow-methods": ", ".join(methods),
            "access-control-allow-headers": "authorization, *",  # the asterisk does not stand for the first
            "access-control-max-age": str(_MAX_AGE_S),
        }
    )
