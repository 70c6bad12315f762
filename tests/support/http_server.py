"""A real HTTP server in the test process, for any ASGI app."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.support.waiting import eventually

_NO_LINGER = struct.pack("ii", 1, 0)


class _Protocol(H11Protocol):
    """Lets an app reach the connection of its request, to break it."""

    transports: dict[tuple[str, int], asyncio.Transport] = {}  # noqa: RUF012  # by the client's address

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transports[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transports.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)


async def read_body(receive: Any) -> bytes:
    """The whole body of a request, as ASGI hands it over."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def reset_connection(scope: dict[str, Any]) -> None:
    """Break the connection of a request so that the client sees a reset."""
    transport = _Protocol.transports[tuple(scope["client"])]
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


@contextmanager
def serve(
    app: Any,
    *,
    port: int = 0,
    http: Callable[..., asyncio.Protocol] = _Protocol,
    ws: type[asyncio.Protocol] | Literal["auto"] = "auto",
) -> Iterator[str]:
    """Serve an ASGI app on 127.0.0.1 in a thread of its own; gives its URL, without a slash at the end.

    Args:
        app: the app, its lifespan included.
        port: a fixed port; 0 takes a free one.
        http: uvicorn's protocol for requests.
        ws: uvicorn's protocol for WebSockets.
    """
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=http,  # type: ignore[arg-type]  # it makes one
        ws=ws,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive(), what="the server's start")
        if not server.started:
            raise RuntimeError("the test server did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
