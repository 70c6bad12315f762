"""Cross-origin reads: what public keys open, a page of any origin may fetch (React hooks and the like)."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALLOWED = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}
_MAX_AGE_S = 86_400


class Cors:
    """Lets pages of any origin read answers, errors included, of what ``open_to_browsers`` marked.

    No cookie is ever looked at: a page can only read what it has a key for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_with_permission(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("state", {}).get("open_to_browsers"):
                MutableHeaders(scope=message).update(_ALLOWED)
            await send(message)

        await self._app(scope, receive, send_with_permission)


def open_to_browsers(scope: Scope) -> None:
    """Mark a request: pages of any origin may read the answer."""
    scope.setdefault("state", {})["open_to_browsers"] = True


def answer_preflight(methods: Iterable[str]) -> Response:
    """What a browser asks before it sends a page's request."""
    return Response(
        headers={
            "access-control-allow-methods": ", ".join(methods),
            "access-control-allow-headers": "authorization, *",  # the asterisk does not stand for the first
            "access-control-max-age": str(_MAX_AGE_S),
        }
    )
