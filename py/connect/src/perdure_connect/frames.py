"""Messages of a connection between an app and the server: many frames in one, bodies as they were written.

An extension of ours to the protocol. A binary WebSocket message is the length of the heads (4 bytes, big
endian), the heads, a JSON array of objects, and the bodies one after the other; ``size`` in a head is the
length of its body. The app calls ``{api}/api/v1/connect`` with its key and says HELLO; the server answers
WELCOME, or REFUSED and closes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from perdure.wire.base import MalformedMessage

CONNECT_PATH: Final = "/api/v1/connect"

# From the app
HELLO: Final = "hello"
"""``{app, slots, holding, sdk}``, the manifest; holding: ids of requests that it was given before and has."""
SLOTS: Final = "slots"
"""``{slots}``: how many executions it takes at the same time from now on; 0: it is about to end."""
ANSWER: Final = "answer"
"""``{id, status, headers?, ms}``, the body of the answer to a REQUEST; sent again until it is STORED."""
CALL: Final = "call"
"""``{id, method, path, headers}``, the body: a call of the API."""

# From the server
WELCOME: Final = "welcome"
"""``{endpointId}``: connected."""
REFUSED: Final = "refused"
"""``{error}``: will not be connected, and should not try again without a change."""
REQUEST: Final = "request"
"""``{id, action, headers}``, the body of a request to the app's endpoint."""
STORED: Final = "stored"
"""``{ids}``: these answers are in the database."""
DROP: Final = "drop"
"""``{id}``: nobody waits for the answer to this request any more."""
RESPONSE: Final = "response"
"""``{id, status, headers}``, the body of the answer to a CALL."""

_LENGTH = struct.Struct(">I")


class Frame(NamedTuple):
    """One message."""

    head: dict[str, Any]
    body: bytes = b""


def pack(frames: Iterable[Frame]) -> bytes:
    """Frames as one WebSocket message."""
    heads: list[dict[str, Any]] = []
    bodies: list[bytes] = []
    for head, body in frames:
        heads.append({**head, "size": len(body)} if body else head)
        bodies.append(body)
    text = to_json(heads)
    return b"".join((_LENGTH.pack(len(text)), text, *bodies))


def unpack(message: bytes | str) -> list[Frame]:
    """The frames of a WebSocket message.

    Raises:
        MalformedMessage: it is none of this protocol.
    """
    try:
        if isinstance(message, str):
            raise TypeError("a text")
        at = _LENGTH.size + _LENGTH.unpack_from(message)[0]
        frames: list[Frame] = []
        for head in from_json(message[_LENGTH.size : at]):
            size = head.get("size", 0)
            body = message[at : at + size]
            if len(body) != size or not isinstance(head["kind"], str):
                raise ValueError("a frame is cut off")
            frames.append(Frame(head, body))
            at += size
        if at != len(message):
            raise ValueError(f"{len(message) - at} bytes are left over")
    except (struct.error, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise MalformedMessage(f"not a message of a connection: {error}") from error
    return frames


class FrameSender:
    """One direction of a connection: frames that are put in one turn of the event loop go together.

    So do those that are put while a message is being sent.

    Args:
        send: sends one message; raises when the connection is lost.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._outbox: list[Frame] = []
        self._wake = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Send a frame."""
        self._outbox.append(frame)
        self._wake.set()

    async def run(self) -> None:
        """Send what is put, until cancelled or the connection is lost."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            frames, self._outbox = self._outbox, []
            await self._send(pack(frames))
