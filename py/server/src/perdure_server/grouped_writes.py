"""The hot writes, grouped: what concurrent requests bring goes to the database in one call.

While one call is under way the next ones gather and go together. A request's own tasks or events stay
together and in order, and its answer is its own: another request's mistake does not touch it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from perdure_engine import events, runs, tasks
from perdure_engine.driver import Database
from perdure_engine.errors import DatabaseUnavailable, PerdureError
from perdure_engine.group_commit import Answer, GroupCommit
from perdure_engine.runs import ClaimedRun, ClaimOffer
from perdure_engine.tasks import TaskOutcome

Documents: TypeAlias = tuple[bytes, ...]
TaskParts: TypeAlias = tuple[str, str, bytes, bytes, bytes, bytes, bytes | None, bytes]
Stored = TypeVar("Stored")

_NO_OPTIONS = b"{}"
_HEAVIEST_BATCH = 8_000_000  # bytes
_MOST_EVENTS = 400  # in a batch: more would have to wait for more slots


class LoneTask(tuple[bytes]):
    """The document of a request for one task that is done, beside its parts.

    Args:
        document: ``{environmentId, runId, leaseNumber, task}``.
        parts: the same as ``tasks.store_task`` takes it.
    """

    parts: TaskParts

    def __new__(cls, document: bytes, parts: TaskParts) -> LoneTask:
        """A tuple is complete when it is made."""
        self = super().__new__(cls, (document,))
        self.parts = parts
        return self


class TaskWriter:
    """Stores and ends tasks of many runs together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._upserts = _group(lambda calls: tasks.upsert_tasks(db, calls), _task_answers)
        self._minimal_upserts = _group(
            lambda calls: tasks.upsert_tasks(db, calls, True),
            _minimal_answers,
            alone=lambda calls: tasks.store_task(db, *calls.parts) if isinstance(calls, LoneTask) else None,
        )
        self._finishes = _group(lambda calls: tasks.finish_tasks(db, calls), _task_answers)

    def upsert(self, calls: Documents, *, minimal: bool = False) -> asyncio.Future[list[bytes]]:
        """Store one request's tasks.

        Args:
            calls: ``{environmentId, runId, leaseNumber?, task}`` each.
            minimal: ``null`` will do for a task that was new and has ended as its call says.
        Returns: the ServerTasks, in their order; or the first PerdureError that a task deserved: the others
            are stored all the same.
        """
        if not calls:
            nothing: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
            nothing.set_result([])
            return nothing
        return (self._minimal_upserts if minimal else self._upserts).submit(calls)

    def begin_lone(self, task: LoneTask) -> asyncio.Future[list[bytes]] | None:
        """Store a task now, without those that come in the same moment.

        Returns: the text ``null``, or nothing: it was not stored, and ``upsert`` says why. ``None``: other
            tasks are under way, so it goes with the next.
        """
        return self._minimal_upserts.instead(lambda: tasks.store_task(self._db, *task.parts))

    async def finish(self, call: bytes) -> bytes:
        """End a task.

        Args:
            call: ``{environmentId, runId, taskId, leaseNumber?, status, output?, error?, …}``.
        Returns: the ServerTask.
        Raises:
            PerdureError: what it deserved.
        """
        return (await self._finishes.submit((call,)))[0]

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        for group in (self._upserts, self._minimal_upserts, self._finishes):
            await group.drain()


class Claimant(Protocol):
    """A dispatcher in this process, to which new runs are given without a detour."""

    def serves(self, environment_id: str) -> bool:
        """Whether it executes runs of this environment."""

    def lacking(self, environment_id: str, events: int) -> int:
        """How many more slots it takes until what so many events start may begin, one run each."""

    async def wait_for_room(self, environment_id: str, events: int) -> None:
        """Wait for slots that will be free in a moment; return early where they will not."""

    def offer(self, environment_id: str, events: int) -> ClaimOffer | None:
        """Reserve free slots for what so many events start; ``None``: there is none."""

    def take(self, offer: ClaimOffer, claims: Sequence[ClaimedRun]) -> None:
        """What was claimed for an offer, perhaps nothing; ends the reservation."""


class EventSender:
    """Stores the events of many requests together, by environment.

    Args:
        claimants: what the events start may be claimed for them in the same transaction.
    """

    def __init__(self, db: Database, claimants: Sequence[Claimant] = ()) -> None:
        self._db = db
        self._claimants = [*claimants]
        self._groups: dict[tuple[str, bool], GroupCommit[Documents, list[bytes]]] = {}

    async def send(
        self, environment_id: str, sent: Documents, options: bytes = _NO_OPTIONS, *, minimal: bool = False
    ) -> list[bytes]:
        """Send one request's events, all or none.

        Args:
            environment_id: where they happen.
            sent: a RawEvent each.
            options: SendEventOptions; events with options go alone, since options are for a whole call.
            minimal: nobody wants to know how they are stored.
        Returns: the ApiEventLogs, in their order; nothing for ``minimal``.
        """
        if options != _NO_OPTIONS:
            return await self._send(environment_id, sent, options, minimal)
        group = self._groups.get((environment_id, minimal))
        if group is None:
            group = self._groups[environment_id, minimal] = _group(
                lambda events: self._send(environment_id, events, _NO_OPTIONS, minimal),
                _no_answers if minimal else _event_answers,
                _event_weight,
            )
        return await group.submit(sent) if sent else []

    def add(self, claimant: Claimant) -> None:
        """One more whose slots are asked for."""
        self._claimants.append(claimant)

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        for group in self._groups.values():
            await group.drain()

    def _send(
        self, environment_id: str, sent: Sequence[bytes], options: bytes, minimal: bool
    ) -> Awaitable[list[bytes]]:
        call = _Call(environment_id, len(sent), b"[" + b",".join(sent) + b"]", options, minimal)
        for claimant in self._claimants:
            if claimant.serves(environment_id):
                if claimant.lacking(environment_id, call.number) <= 0:
                    return self._send_to(claimant, call)
                return self._send_in_a_moment(claimant, call)
        return self._send_alone(call)

    async def _send_in_a_moment(self, claimant: Claimant, call: _Call) -> list[bytes]:
        await claimant.wait_for_room(call.environment_id, call.number)
        return await self._send_to(claimant, call)

    def _send_to(self, claimant: Claimant, call: _Call) -> Awaitable[list[bytes]]:
        offer = claimant.offer(call.environment_id, call.number)
        if offer is None:
            return self._send_alone(call)
        begun = runs.send_and_claim(
            self._db, call.environment_id, call.events, call.options, *offer, minimal=call.minimal
        )
        return self._take_claims(begun, call, claimant, offer)

    def _send_alone(self, call: _Call) -> Awaitable[list[bytes]]:
        return events.send_events(
            self._db, call.environment_id, call.events, call.options, minimal=call.minimal
        )

    async def _take_claims(
        self,
        begun: Awaitable[tuple[list[bytes], list[ClaimedRun]]],
        call: _Call,
        claimant: Claimant,
        offer: ClaimOffer,
    ) -> list[bytes]:
        claims: list[ClaimedRun] = []
        try:
            stored, claims = await begun
        except DatabaseUnavailable:
            raise
        except Exception:
            # Of the events, then it comes again; or of the claim, which must keep no event from being stored.
            stored = await self._send_alone(call)
        finally:
            claimant.take(offer, claims)
        return stored


class _Call(NamedTuple):
    """What the database is to do for a batch of events."""

    environment_id: str
    number: int
    events: bytes
    options: bytes
    minimal: bool


def _length(documents: Documents) -> int:
    return sum(map(len, documents))


def _event_weight(documents: Documents) -> int:
    """So that a batch has _MOST_EVENTS at most, unless one request brings more."""
    return max(_length(documents), len(documents) * _HEAVIEST_BATCH // _MOST_EVENTS)


def _group(
    write: Callable[[Sequence[bytes]], Awaitable[Sequence[Stored]]],
    answers: Callable[[Sequence[Documents], Sequence[Stored]], Answer[list[bytes]]],
    weigh: Callable[[Documents], int] = _length,
    alone: Callable[[Documents], Awaitable[list[bytes]] | None] | None = None,
) -> GroupCommit[Documents, list[bytes]]:
    def execute(batch: Sequence[Documents]) -> Awaitable[Sequence[Stored]]:
        return write(batch[0] if len(batch) == 1 else [document for sent in batch for document in sent])

    return GroupCommit(execute, alone=alone, split=answers, max_weight=_HEAVIEST_BATCH, weigh=weigh)


def _task_answers(batch: Sequence[Documents], outcomes: Sequence[TaskOutcome]) -> Answer[list[bytes]]:
    return [_responses(part) for part in _parts(batch, outcomes)]


def _minimal_answers(batch: Sequence[Documents], outcomes: Sequence[TaskOutcome]) -> Answer[list[bytes]]:
    if not outcomes:
        return [[b"null"] * len(documents) for documents in batch]
    return _task_answers(batch, outcomes)


def _event_answers(batch: Sequence[Documents], stored: Sequence[bytes]) -> Answer[list[bytes]]:
    return list(_parts(batch, stored))


def _no_answers(batch: Sequence[Documents], stored: Sequence[bytes]) -> Answer[list[bytes]]:
    return [[] for _ in batch]


def _parts(batch: Sequence[Documents], stored: Sequence[Stored]) -> Iterator[list[Stored]]:
    """What belongs to each request."""
    sent = sum(map(len, batch))
    if len(stored) != sent:
        raise PerdureError(f"the database answered {len(stored)} of {sent} calls")
    one_by_one = iter(stored)
    for documents in batch:
        yield list(islice(one_by_one, len(documents)))


def _responses(outcomes: Sequence[TaskOutcome]) -> list[bytes] | Exception:
    responses: list[bytes] = []
    for outcome in outcomes:
        result = outcome.result
        if isinstance(result, PerdureError):
            return result
        responses.append(result)
    return responses
