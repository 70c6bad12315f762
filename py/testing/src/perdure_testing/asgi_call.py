"""One HTTP request to an ASGI app in this process."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from perdure.wire.http import HttpResponse


class AsgiApp(Protocol):
    """What answers."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection."""


async def call_asgi(
    app: AsgiApp, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> HttpResponse:
    """Send one request and collect the answer."""
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": unquote(parts.path) or "/",
        "raw_path": parts.path.encode("ascii"),
        "query_string": parts.query.encode("ascii"),
        "root_path": "",
        "headers": [
            (b"host", parts.netloc.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port or 80),
    }
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    status = 500
    answer_headers: dict[str, str] = {}
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message.get("headers", ()):
                answer_headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return HttpResponse(status, answer_headers, b"".join(chunks))
