"""Tasks that send events in the transaction that stores them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sql.effects.effects import endpoint_with, output_of, sending
from tests.sql.rows import queued
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database


@pytest.fixture
def claim(builders: Builders) -> Claim:
    return builders.claim(builders.run(endpoint_with(builders)))


def test_the_events_are_stored_and_start_runs(db: Database, claim: Claim) -> None:
    events = [{"name": "begin", "payload": {"n": 1}}, {"name": "other", "id": "o"}]
    (stored,) = claim.stored(sending("send", *events))
    assert stored["status"] == "COMPLETED"
    assert [event["id"] for event in stored["output"]] == [f"{stored['idempotencyKey']}:0", "o"]
    assert [event["name"] for event in stored["output"]] == ["begin", "other"]
    assert stored["output"][0]["payload"] == {"n": 1}
    assert stored["output"][0]["deliveredAt"] is not None
    assert len(queued(db)) == 1


def test_met_again_it_sends_nothing_and_answers_the_same(db: Database, claim: Claim) -> None:
    (first,) = claim.stored(sending("send", {"name": "begin"}))
    (second,) = claim.stored(sending("send", {"name": "begin"}))
    assert second == first
    assert db.value("select count(*) from perdure.events where name = 'begin'") == 1


def test_options_are_for_all_events(claim: Claim) -> None:
    (stored,) = claim.stored(sending("send", {"name": "begin"}, deliverAfter=60, accountId="user-1"))
    assert stored["output"][0]["deliveredAt"] is None


def test_it_rides_along_with_a_reply(db: Database, claim: Claim) -> None:
    assert claim.reply("SUCCESS", output=1, tasks=[sending("send", {"name": "begin"})]) == "SUCCESS"
    assert output_of(db, claim, "send")[0] == "COMPLETED"
    assert len(queued(db)) == 1


def test_users_documents_are_stored_as_they_came(db: Database, claim: Claim) -> None:
    claim.stored(sending("send", {"name": "begin", "id": "odd", "payload": "\0 \ud800"}))
    written = db.value("select payload::text from perdure.events where event_id = 'odd'")
    assert written == r'"\u0000 \ud800"'


def test_what_cannot_be_done_fails_its_task_alone(db: Database, claim: Claim) -> None:
    bad_type = "effect.type must be sendEvents, invoke or waitForEvent, not "
    expected: list[tuple[Any, str]] = [
        ({"type": "sendEvents"}, "effect.events must be a JSON array"),
        ({"type": "sendEvents", "events": [{"name": "a"}, 5]}, "effect.events[1] must be an object"),
        ({"type": "sendEvents", "events": [{"name": "a"}, {}]}, "effect.events[1].name must be a text"),
        (
            {"type": "sendEvents", "events": [], "options": {"deliverAt": "soon"}},
            "effect.options.deliverAt must be an instant",
        ),
        ({"type": "fly"}, f"{bad_type}'fly'"),
        ({}, f"{bad_type}NULL"),
        ("sendEvents", f"{bad_type}NULL"),
    ]
    tasks = [task(f"bad-{number}", effect=effect) for number, (effect, _) in enumerate(expected)]
    good, *bad, last = claim.stored(
        sending("good", {"name": "begin"}), *tasks, task("last", status="COMPLETED", output=1)
    )
    assert (good["status"], last["status"]) == ("COMPLETED", "COMPLETED")
    for (_, message), stored in zip(expected, bad, strict=True):
        assert (stored["status"], stored["output"]["name"]) == ("ERRORED", "InvalidArgument")
        assert stored["output"]["message"].startswith(message)
    assert db.value("select count(*) from perdure.events where name = 'a'") == 0


def test_a_task_with_a_result_has_no_effect(db: Database, claim: Claim) -> None:
    (stored,) = claim.stored({**sending("send", {"name": "begin"}), "status": "COMPLETED", "output": 7})
    assert (stored["status"], stored["output"]) == ("COMPLETED", 7)
    assert db.value("select count(*) from perdure.events where name = 'begin'") == 0


def test_of_a_run_that_has_ended_nothing_is_sent(db: Database, claim: Claim) -> None:
    db.call("cancel_run", claim.body["environment"]["id"], claim.run_id)
    call = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id}
    (row,) = db.call("upsert_tasks", [{**call, "task": sending("send", {"name": "begin"})}])
    assert row.response["status"] == "CANCELED"
    assert db.value("select count(*) from perdure.events where name = 'begin'") == 0
