"""uvicorn's HTTP protocol, with answers that leave in one packet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """Head and body are written one after the other, and would be two packets: a client wakes for each."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        super().connection_made(transport)
        self._sender = _Sender(transport, self.loop.call_soon)
        self.transport = self._sender

    def on_response_complete(self) -> None:
        """Called when an answer is written: there is nothing to wait for."""
        self._sender.flush()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol has the connection."""
        self.transport = self._sender.transport
        super().handle_websocket_upgrade()


class _Sender(asyncio.Transport):
    """A transport that writes together what one turn of the event loop brings."""

    def __init__(self, transport: asyncio.Transport, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self.transport = transport
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self._call_soon = call_soon
        self._unwritten: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it at the end of this turn."""
        if not self._unwritten:
            self._call_soon(self.flush)
        self._unwritten.append(bytes(data))

    def close(self) -> None:
        """Close when all is written."""
        self.flush()
        self.transport.close()

    def flush(self) -> None:
        """Write what is there."""
        if self._unwritten:
            self.transport.write(b"".join(self._unwritten))
            self._unwritten.clear()
