"""Events whose runs are claimed in the same transaction, for a dispatcher of the same process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from perdure_engine.errors import InvalidArgument
from perdure_engine.pool import Pool, open_pool
from perdure_engine.runs import ClaimedRun, ClaimOffer
from perdure_server.grouped_writes import EventSender
from tests.sql.rows import queued
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.waiting import eventually_async


@pytest.fixture
async def server_pool(db_url: str) -> AsyncIterator[Pool]:
    """As the server has it."""
    async with await open_pool(db_url, role="perdure_server", application_name="test") as pool:
        yield pool


class Slots:
    """A dispatcher of this process that wants up to ``limit`` runs, of which ``free`` at this moment."""

    def __init__(self, limit: int, *, free: int | None = None) -> None:
        self.limit = limit
        self.free = limit if free is None else free
        self.taken: list[list[str]] = []
        self.waited_for: list[int] = []
        self.room = asyncio.Event()

    def serves(self, environment_id: str) -> bool:
        return True

    def lacking(self, environment_id: str, events: int) -> int:
        return events - self.free

    async def wait_for_room(self, environment_id: str, events: int) -> None:
        self.waited_for.append(events)
        await self.room.wait()

    def offer(self, environment_id: str, events: int) -> ClaimOffer | None:
        if self.free == 0 < self.limit:
            return None
        return ClaimOffer("here", self.limit, timedelta(seconds=10), None)

    def take(self, offer: ClaimOffer, claims: Sequence[ClaimedRun]) -> None:
        assert offer.limit == self.limit
        self.taken.append([claim.run_id for claim in claims])


GREETING = b'{"name":"greet"}'


async def test_what_events_start_is_given_to_who_has_free_slots(
    server_pool: Pool, db: Database, builders: Builders
) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(5)
    sent = await EventSender(server_pool, [slots]).send(environment_id, (GREETING, GREETING))
    assert [json.loads(event)["name"] for event in sent] == ["greet"] * 2
    assert slots.taken == [[row.id for row in db.rows("select id from perdure.runs order by id")]]
    assert {row.status for row in db.rows("select status from perdure.runs")} == {"EXECUTING"}


async def test_what_nobody_wants_to_know_of_begins_as_well(
    server_pool: Pool, db: Database, builders: Builders
) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(5)
    assert await EventSender(server_pool, [slots]).send(environment_id, (GREETING,), minimal=True) == []
    assert slots.taken == [[row.id for row in db.rows("select id from perdure.runs")]]


@pytest.mark.parametrize("freed", [2, 0])
async def test_events_wait_for_slots_that_will_be_free_in_a_moment(
    server_pool: Pool, db: Database, builders: Builders, freed: int
) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(2, free=0)
    sending = asyncio.create_task(
        EventSender(server_pool, [slots]).send(environment_id, (GREETING, GREETING))
    )
    await eventually_async(lambda: slots.waited_for == [2])
    assert db.value("select count(*) from perdure.events") == 0
    slots.free = freed
    slots.room.set()
    assert len(await sending) == 2
    assert [len(claims) for claims in slots.taken] == ([2] if freed else [])
    assert len(queued(db)) == 2 - freed


async def test_a_batch_of_events_is_no_larger_than_what_finds_slots_at_once(
    server_pool: Pool, builders: Builders
) -> None:
    """So many requests wait for the first one that they would be thousands of events."""
    environment_id = builders.endpoint().environment.id
    slots = Slots(1000)
    sender = EventSender(server_pool, [slots])
    await asyncio.gather(*(sender.send(environment_id, (GREETING,) * 180) for _ in range(5)))
    assert [len(claims) for claims in slots.taken] == [360, 360, 180]
    await sender.send(environment_id, (GREETING,) * 500)  # a request stays whole
    assert len(slots.taken[-1]) == 500


async def test_a_claim_that_is_refused_keeps_no_event_from_being_stored(
    server_pool: Pool, db: Database, builders: Builders
) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(0, free=1)  # a limit which claim_runs refuses
    assert len(await EventSender(server_pool, [slots]).send(environment_id, (GREETING,))) == 1
    assert slots.taken == [[]]
    assert [row.status for row in db.rows("select status from perdure.runs")] == ["QUEUED"]


async def test_events_that_are_refused_end_the_offer(server_pool: Pool, builders: Builders) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(5)
    with pytest.raises(InvalidArgument, match="name"):
        await EventSender(server_pool, [slots]).send(environment_id, (b'{"payload":1}',))
    assert slots.taken == [[]]
