"""uvicorn's HTTP protocol, with answers that leave in one packet, and a shorter way for some requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

Shortcut: TypeAlias = Callable[[bytes, Callable[[bytes | None], None]], bool]
"""Begins to answer a request from all its bytes, if it knows it. Later it calls what it was given, with the
headers and the body that follow what every answer begins with; ``None``: it cannot, and the app is to."""


class HttpProtocol(HttpToolsProtocol):
    """Answers leave in one packet: head and body are written one by one, and a client would wake for each.

    Args:
        shortcut: is asked before a request is parsed, when it came in one packet and none is under way.
    """

    def __init__(self, *arguments: Any, shortcut: Shortcut | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._shortcut = shortcut
        self._is_within_request = False
        self._asked: bytes | None = None
        """The request that the shortcut is to answer."""
        self._later: list[bytes] = []
        """What came meanwhile."""
        self._answered_at = -math.inf
        """When the shortcut did last, by the loop's clock."""
        self._shuts_down = False
        self._always: tuple[Sequence[tuple[bytes, bytes]], bytes] = ((), b"")
        """The headers of every answer as uvicorn has them for this second, and as they are written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        super().connection_made(transport)
        self._sender = _Sender(transport, self.loop.call_soon)
        self.transport = self._sender

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._asked is not None:
            self._later.append(data)
            self.flow.pause_reading()
        elif self._shortcut is None or not self._is_idle or not self._shortcut(data, self._answer):
            super().data_received(data)
        else:
            self._asked = data

    def timeout_keep_alive_handler(self) -> None:
        """Called some time after an answer of the app: those of the shortcut set no timer anew."""
        left_s = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._asked is not None and left_s <= 0:
            left_s = self.timeout_keep_alive
        if left_s <= 0 or self.transport.is_closing():
            super().timeout_keep_alive_handler()
        else:
            self._arm_timer(left_s)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._is_within_request = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._is_within_request = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when an answer is written: there is nothing to wait for."""
        self._sender.flush()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol has the connection."""
        self.transport = self._sender.transport
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Called when the server is to stop: what is under way is answered."""
        if self._asked is None:
            super().shutdown()
        else:
            self._shuts_down = True

    @property
    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return not self._is_within_request and (cycle is None or cycle.response_complete)

    def _answer(self, answer: bytes | None) -> None:
        request, self._asked = self._asked, None
        later, self._later = self._later, []
        if request is None or self.transport.is_closing():
            return
        if answer is None:
            super().data_received(request)
        else:
            headers = self.server_state.default_headers
            if self._always[0] is not headers:
                self._always = headers, b"".join([b"%b: %b\r\n" % header for header in headers])
            self._sender.transport.write(b"HTTP/1.1 200 OK\r\n" + self._always[1] + answer)
            self.server_state.total_requests += 1
            self._answered_at = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._arm_timer(self.timeout_keep_alive)
            if later:
                self.flow.resume_reading()
        if self._shuts_down:
            super().shutdown()
        for data in later:
            self.data_received(data)

    def _arm_timer(self, after_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(after_s, self.timeout_keep_alive_handler)


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
