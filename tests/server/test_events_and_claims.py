"""Events whose runs are claimed in the same transaction, for a dispatcher of the same process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from perdure_engine.errors import InvalidArgument
from perdure_engine.pool import Pool, open_pool
from perdure_engine.runs import ClaimedRun, ClaimOffer
from perdure_server.grouped_writes import EventSender
from tests.support.builders import Builders
from tests.support.database import Database


@pytest.fixture
async def server_pool(db_url: str) -> AsyncIterator[Pool]:
    """As the server has it."""
    async with await open_pool(db_url, role="perdure_server", application_name="test") as pool:
        yield pool


class Slots:
    """A dispatcher of this process that wants up to ``limit`` runs."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: list[list[str]] = []

    def offer(self, environment_id: str) -> ClaimOffer | None:
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


async def test_a_claim_that_is_refused_keeps_no_event_from_being_stored(
    server_pool: Pool, db: Database, builders: Builders
) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(0)  # which claim_runs refuses
    assert len(await EventSender(server_pool, [slots]).send(environment_id, (GREETING,))) == 1
    assert slots.taken == [[]]
    assert [row.status for row in db.rows("select status from perdure.runs")] == ["QUEUED"]


async def test_events_that_are_refused_end_the_offer(server_pool: Pool, builders: Builders) -> None:
    environment_id = builders.endpoint().environment.id
    slots = Slots(5)
    with pytest.raises(InvalidArgument, match="name"):
        await EventSender(server_pool, [slots]).send(environment_id, (b'{"payload":1}',))
    assert slots.taken == [[]]
