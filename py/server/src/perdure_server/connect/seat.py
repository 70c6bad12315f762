"""A connected app as the server sees it: what it was given, and what is on its way to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from perdure_connect.frames import Frame, pack

Kind: TypeAlias = Literal["run", "delivery", "question"]
_KINDS: dict[str, Kind] = {"run": "run", "delivery": "delivery", "question": "question"}


@dataclass(frozen=True, slots=True)
class RequestId:
    """Which claim a request belongs to: all that is needed to hand in the answer, on whatever server.

    A question is no claim: the server that asked it waits for the answer, and nobody else wants it.
    """

    kind: Kind
    subject_id: str
    lease_number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject_id}:{self.lease_number}"

    @classmethod
    def parse(cls, text: str) -> RequestId:
        """Read one.

        Raises:
            KeyError, ValueError: it is none.
        """
        kind, subject_id, lease_number = text.split(":")
        return cls(_KINDS[kind], str(UUID(subject_id)), int(lease_number))


class Seat:
    """One connection of one app.

    Frames that are put in one turn of the event loop, or while a message is being sent, go together.

    Args:
        endpoint_id: the app's.
        slots: most requests that it takes at the same time.
        held: what it has from an earlier connection.
        send: sends one message; raises when the connection is lost.
    """

    def __init__(
        self, endpoint_id: str, slots: int, held: set[RequestId], send: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self.endpoint_id = endpoint_id
        self.slots = slots
        self.held = held
        self._send = send
        self._outbox: list[Frame] = []
        self._wake = asyncio.Event()

    @property
    def room(self) -> int:
        """How many requests it takes now."""
        return max(self.slots - len(self.held), 0)

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
