"""The hot writes, grouped: what concurrent requests bring goes to the database in one call.

While one call is under way the next ones gather and go together. A request's own tasks or events stay
together and in order, and its answer is its own: another request's mistake does not touch it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeAlias, TypeVar

from perdure_engine import events, runs, tasks
from perdure_engine.driver import Database
from perdure_engine.errors import DatabaseUnavailable, PerdureError
from perdure_engine.group_commit import Answer, GroupCommit
from perdure_engine.runs import ClaimedRun, ClaimOffer
from perdure_engine.tasks import TaskOutcome

Documents: TypeAlias = tuple[bytes, ...]
Stored = TypeVar("Stored")

_NO_OPTIONS = b"{}"


class TaskWriter:
    """Stores and ends tasks of many runs together."""

    def __init__(self, db: Database) -> None:
        self._upserts = _group(lambda calls: tasks.upsert_tasks(db, calls), _task_answers)
        self._minimal_upserts = _group(lambda calls: tasks.upsert_tasks(db, calls, True), _minimal_answers)
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

    def offer(self, environment_id: str) -> ClaimOffer | None:
        """Reserve free slots; ``None``: there is none, or nothing of this environment is wanted."""

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
        self._by_environment: dict[str, GroupCommit[Documents, list[bytes]]] = {}

    async def send(self, environment_id: str, sent: Documents, options: bytes = _NO_OPTIONS) -> list[bytes]:
        """Send one request's events, all or none.

        Args:
            environment_id: where they happen.
            sent: a RawEvent each.
            options: SendEventOptions; events with options go alone, since options are for a whole call.
        Returns: the ApiEventLogs, in their order.
        """
        if options != _NO_OPTIONS:
            return await self._send(environment_id, sent, options)
        group = self._by_environment.get(environment_id)
        if group is None:
            group = _group(lambda events: self._send(environment_id, events, _NO_OPTIONS), _event_answers)
            self._by_environment[environment_id] = group
        return await group.submit(sent) if sent else []

    def add(self, claimant: Claimant) -> None:
        """One more whose slots are asked for."""
        self._claimants.append(claimant)

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        for group in self._by_environment.values():
            await group.drain()

    def _send(self, environment_id: str, sent: Sequence[bytes], options: bytes) -> Awaitable[list[bytes]]:
        array = b"[" + b",".join(sent) + b"]"
        for claimant in self._claimants:
            if (offer := claimant.offer(environment_id)) is not None:
                begun = runs.send_and_claim(self._db, environment_id, array, options, *offer)
                return self._take_claims(begun, environment_id, array, options, claimant, offer)
        return events.send_events(self._db, environment_id, array, options)

    async def _take_claims(
        self,
        begun: Awaitable[tuple[list[bytes], list[ClaimedRun]]],
        environment_id: str,
        array: bytes,
        options: bytes,
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
            stored = await events.send_events(self._db, environment_id, array, options)
        finally:
            claimant.take(offer, claims)
        return stored


def _group(
    write: Callable[[Sequence[bytes]], Awaitable[Sequence[Stored]]],
    answers: Callable[[Sequence[Documents], Sequence[Stored]], Answer[list[bytes]]],
) -> GroupCommit[Documents, list[bytes]]:
    def execute(batch: Sequence[Documents]) -> Awaitable[Sequence[Stored]]:
        return write(batch[0] if len(batch) == 1 else [document for sent in batch for document in sent])

    return GroupCommit(execute, split=answers, weigh=_length)


def _length(documents: Documents) -> int:
    return sum(map(len, documents))


def _task_answers(batch: Sequence[Documents], outcomes: Sequence[TaskOutcome]) -> Answer[list[bytes]]:
    return [_responses(part) for part in _parts(batch, outcomes)]


def _minimal_answers(batch: Sequence[Documents], outcomes: Sequence[TaskOutcome]) -> Answer[list[bytes]]:
    if not outcomes:
        return [[b"null"] * len(documents) for documents in batch]
    return _task_answers(batch, outcomes)


def _event_answers(batch: Sequence[Documents], stored: Sequence[bytes]) -> Answer[list[bytes]]:
    return list(_parts(batch, stored))


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
