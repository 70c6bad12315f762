"""The server's end of a WebSocket, with a short way for what a connection of an app consists of."""

from __future__ import annotations

import struct
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Opcode
from websockets.protocol import OPEN

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this platform
    from websockets.utils import apply_mask

_FIN, _OPCODE = 0x80, 0x0F  # of a frame's first byte
_MASKED, _LENGTH = 0x80, 0x7F  # of its second
_WHOLE = _FIN | Opcode.BINARY
_DATA = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)
_LENGTH_16, _LENGTH_64 = struct.Struct(">xxH"), struct.Struct(">xxQ")
_MOST_WAITING = 16


class MessageProtocol(WebSocketsSansIOProtocol):
    """Takes whole binary messages from the stream itself, and writes them.

    Everything else is the library's to read: it gets it frame by frame, so that it always stands between two
    frames while a message passes it by.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unread = bytearray()
        self._in_fragments = False
        self._is_library_only = False

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if not self.handshake_complete:
            # What comes between the request and its answer may end within a frame: the library reads on.
            self._is_library_only = self.handshake_initiated
            super().data_received(data)
            return
        stream: bytes | bytearray = data
        if self._unread:
            self._unread += data
            stream, self._unread = self._unread, bytearray()
        at = 0
        while at < len(stream):
            end = self._end_of_frame(stream, at)
            if end > len(stream):
                break
            self._take(stream, at, end)
            at = end
        self._unread += memoryview(stream)[at:]

    async def send(self, message: Any) -> None:
        """Called by the app."""
        data = message.get("bytes")
        if data is None or self.disconnected or not self.handshake_complete or not self._is_open:
            await super().send(message)
            return
        await self.writable.wait()
        if not self.disconnected:
            self.transport.write(_head(len(data)) + data)

    @property
    def _is_open(self) -> bool:
        return self.conn.state is OPEN and not self.close_sent

    def _end_of_frame(self, stream: bytes | bytearray, at: int) -> int:
        """Where the frame at ``at`` ends; beyond the stream as far as that is known."""
        if self._is_library_only or not self._is_open:
            return len(stream)
        have = len(stream) - at
        if have < 2:
            return len(stream) + 1
        masked, length = stream[at + 1] & _MASKED, stream[at + 1] & _LENGTH
        head = 2 + (4 if masked else 0)
        if length >= 126:
            width, form = (2, _LENGTH_16) if length == 126 else (8, _LENGTH_64)
            if have < 2 + width:
                return len(stream) + 1
            (length,) = form.unpack_from(stream, at)
            head += width
        if length > self.config.ws_max_size:  # the library ends the connection
            self._is_library_only = True
            return len(stream)
        return at + head + length

    def _take(self, stream: bytes | bytearray, at: int, end: int) -> None:
        first = stream[at]
        whole = first == _WHOLE and stream[at + 1] & _MASKED and not self._in_fragments
        if self._is_library_only or not self._is_open or not whole:
            if first & _OPCODE in _DATA:
                self._in_fragments = not first & _FIN
            super().data_received(bytes(stream[at:end]))
            return
        length = stream[at + 1] & _LENGTH
        body = at + (6 if length < 126 else 8 if length == 126 else 14)
        payload = apply_mask(bytes(stream[body:end]), bytes(stream[body - 4 : body]))
        self.queue.put_nowait({"type": "websocket.receive", "bytes": payload})
        if not self.read_paused and self.queue.qsize() >= _MOST_WAITING:
            self.read_paused = True
            self.transport.pause_reading()


def _head(length: int) -> bytes:
    if length < 126:
        return bytes((_WHOLE, length))
    if length < 1 << 16:
        return struct.pack(">BBH", _WHOLE, 126, length)
    return struct.pack(">BBQ", _WHOLE, 127, length)
