"""Calls of the API that come over a connection: served by the same app, without HTTP in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from perdure.wire.base import MalformedMessage
from perdure_connect.frames import RESPONSE, Frame


def check_call(head: Mapping[str, Any]) -> None:
    """Refuse what cannot be served as a call.

    Raises:
        MalformedMessage: names the member, and what belongs there.
    """
    if "id" not in head:
        raise MalformedMessage("a call needs an `id`, which its answer will have")
    for name in ("method", "path"):
        if not isinstance(head.get(name), str):
            raise MalformedMessage(f"a call needs a `{name}`, a text, not {head.get(name)!r}")
    headers = head.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise MalformedMessage(f"`headers` of a call must be an object of texts, not {headers!r}")


async def serve_call(app: ASGIApp, scope: Scope, head: Mapping[str, Any], body: bytes) -> Frame:
    """Serve one call.

    Args:
        app: the server's app.
        scope: of the connection, with the key in its headers.
        head: ``{id, method, path, headers}``, checked by ``check_call``.
    Returns: the RESPONSE.
    """
    path, _, query = head["path"].partition("?")
    given = [(name.lower().encode(), value.encode()) for name, value in (head.get("headers") or {}).items()]
    call: Scope = {
        "type": "http",
        "asgi": scope["asgi"],
        "http_version": "1.1",
        "method": head["method"],
        "scheme": "https" if scope.get("scheme") == "wss" else "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*scope["perdure.headers"], *given, (b"content-length", str(len(body)).encode())],
        "client": scope.get("client"),
        "server": scope.get("server"),
    }
    status = 500
    headers: dict[str, str] = {}
    chunks: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    await app(call, receive, send)
    return Frame({"kind": RESPONSE, "id": head["id"], "status": status, "headers": headers}, b"".join(chunks))
