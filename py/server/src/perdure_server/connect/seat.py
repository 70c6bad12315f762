"""A connected app as the server sees it: what it was given, and what is on its way to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from perdure_connect.frames import FrameSender

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


class Seat(FrameSender):
    """One connection of one app.

    Args:
        environment_id: the app's.
        endpoint_id: the app's.
        slots: most requests that it takes at the same time.
        held: what it has from an earlier connection.
        send: sends one message; raises when the connection is lost.
    """

    def __init__(
        self,
        environment_id: str,
        endpoint_id: str,
        slots: int,
        held: set[RequestId],
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        super().__init__(send)
        self.environment_id = environment_id
        self.endpoint_id = endpoint_id
        self.slots = slots
        self.held = held

    @property
    def room(self) -> int:
        """How many requests it takes now."""
        return max(self.slots - len(self.held), 0)
