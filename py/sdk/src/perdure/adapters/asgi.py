"""ASGI: mount it in FastAPI or Starlette at any path, or serve it alone. Needs neither of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from perdure.endpoint import Endpoint, EndpointAnswer

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class AsgiApp:
    """Translates ASGI for the endpoint.

    Args:
        on_shutdown: awaited when the server stops, if it runs this app's lifespan.
    """

    def __init__(self, endpoint: Endpoint, *, on_shutdown: Callable[[], Awaitable[None]]) -> None:
        self._endpoint = endpoint
        self._on_shutdown = on_shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Of a repeated header the first counts, which here comes last.
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in reversed([*scope["headers"]])
        }
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._endpoint.max_body_bytes:
                await _send_answer(send, self._endpoint.too_large())
                return
            if not message.get("more_body", False):
                break
        answer = await self._endpoint.handle(scope["method"], headers, b"".join(chunks), streams=True)
        await _send_answer(send, answer)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._on_shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _send_answer(send: Send, answer: EndpointAnswer) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.stream is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is None:
        await send({"type": "http.response.body", "body": answer.body})
        return

    async def write(piece: bytes, more: bool) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": more})

    await answer.stream(write)
