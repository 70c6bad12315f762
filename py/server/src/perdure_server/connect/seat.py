"""A connected app as the server sees it: what it was given, and what is on its way to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from perdure_connect.frames import REQUEST, STORED, Frame, FrameSender

_ID = re.compile(r"(run|delivery|question):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9]{1,10})")


class RequestId(NamedTuple):
    """Which claim a request belongs to: all that is needed to hand in the answer, on whatever server.

    A question is no claim: the server that asked it waits for the answer, and nobody else wants it.

    Args:
        text: as it travels.
        kind: ``run``, ``delivery`` or ``question``.
    """

    text: str
    kind: str
    subject_id: str
    lease_number: int

    @classmethod
    def of(cls, kind: str, subject_id: str, lease_number: int) -> RequestId:
        """The id of the request for a claim."""
        return cls(f"{kind}:{subject_id}:{lease_number}", kind, subject_id, lease_number)

    @classmethod
    def parse(cls, text: str) -> RequestId:
        """Read one.

        Raises:
            ValueError: it is none.
        """
        found = _ID.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not the id of a request")
        return cls(text, found[1], found[2], int(found[3]))


class Seat(FrameSender):
    """One connection of one app.

    Args:
        environment_id: the app's.
        endpoint_id: the app's.
        slots: most requests that it takes at the same time.
        held: what it has, from an earlier connection at first: by the id as it travels.
        send: sends one message; raises when the connection is lost.
    """

    def __init__(
        self,
        environment_id: str,
        endpoint_id: str,
        slots: int,
        held: dict[str, RequestId],
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

    def give(self, id: RequestId, head: dict[str, Any], body: bytes) -> None:
        """Send the app a request, which it has until its answer comes."""
        self.held[id.text] = id
        self.put(Frame({"kind": REQUEST, "id": id.text, **head}, body))

    def settle(self, ids: Sequence[str]) -> None:
        """The answers to these requests are in the database, or cannot be: the app may forget them."""
        self.put(Frame({"kind": STORED, "ids": ids}))
