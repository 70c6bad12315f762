"""Tasks that wait for an event: one that was there, one that comes, none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.effects.effects import awaiting, go_round, output_of, payload_of, send, sending
from tests.sql.rows import queued, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


@pytest.fixture
def claim(builders: Builders) -> Claim:
    return builders.claim()


def left_over(db: Database) -> tuple[int, int]:
    """Subscriptions of tasks, and looks to come."""
    subscriptions = db.value("select count(*) from perdure.event_dispatchers where url is not null")
    return subscriptions, db.value("select count(*) from perdure.event_look_ups")


def test_the_first_event_that_comes_ends_it(db: Database, claim: Claim) -> None:
    assert claim.reply("RESUME_WITH_TASK", task=awaiting("paid")) == "WAITING_TO_CONTINUE"
    go_round(db)
    assert (payload_of(db, claim, "paid"), db.call("doctor")) == (None, [])
    sent, _ = send(db, claim, {"payload": {"n": 1}, "context": {"c": 2}, "id": "e-1"}, {"payload": {"n": 2}})
    go_round(db)
    assert output_of(db, claim, "paid") == (
        "COMPLETED",
        {
            "id": "e-1",
            "name": "paid",
            "source": "trigger.dev",
            "payload": {"n": 1},
            "context": {"c": 2},
            "timestamp": sent["timestamp"],
        },
    )
    assert queued(db) == [claim.run_id]
    assert left_over(db) == (0, 0)


def test_an_event_that_came_before_ends_it_at_once(db: Database, claim: Claim) -> None:
    send(db, claim, {"payload": 1}, {"payload": 2})
    (stored,) = claim.stored(awaiting("paid"))
    assert (stored["status"], stored["output"]["payload"]) == ("COMPLETED", 1)
    assert left_over(db) == (0, 0)


def test_in_a_reply_it_lets_the_run_go_on_once(db: Database, claim: Claim) -> None:
    send(db, claim, {"payload": 1})
    assert claim.reply("RESUME_WITH_TASK", task=awaiting("paid")) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_an_event_from_before_the_run_does_not_count(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    db.call("send_events", endpoint.environment.id, [{"name": "paid"}])
    claim = builders.claim(builders.run(endpoint))
    claim.stored(awaiting("paid"), awaiting("own", "greet"))
    go_round(db)
    assert (payload_of(db, claim, "paid"), payload_of(db, claim, "own")) == (None, None)


@pytest.mark.parametrize("before", [True, False])
def test_only_what_is_wanted_ends_it(db: Database, claim: Claim, before: bool) -> None:
    waits = [
        awaiting("name", "refunded"),
        awaiting("source", source="elsewhere"),
        awaiting("filter", filter={"n": [2]}),
        awaiting("context", contextFilter={"c": [2]}),
        awaiting("account", accountId="user-2"),
    ]
    environment_id = claim.body["environment"]["id"]
    wrong = {"name": "paid", "payload": {"n": 1}, "context": {"c": 1}}
    if not before:
        claim.stored(*waits)
    db.call("send_events", environment_id, [wrong], {"accountId": "user-1"})
    if before:
        claim.stored(*waits)
    go_round(db)
    assert set(task_statuses(db, claim.run_id).values()) == {"WAITING"}

    for key, event, account in [
        ("name", {"name": "refunded"}, "user-1"),
        ("source", {"source": "elsewhere"}, "user-1"),
        ("filter", {"payload": {"n": 2}}, "user-1"),
        ("context", {"context": {"c": 2}}, "user-1"),
        ("account", {}, "user-2"),
    ]:
        db.call("send_events", environment_id, [{**wrong, **event, "id": key}], {"accountId": account})
        go_round(db)
        status, output = output_of(db, claim, key)
        assert (status, output["id"]) == ("COMPLETED", key)


def test_of_several_names_the_oldest_event_counts(db: Database, claim: Claim) -> None:
    send(db, claim, {"name": "b", "payload": 1})
    send(db, claim, {"name": "a", "payload": 2})
    claim.stored(awaiting("any", ["a", "b"]))
    assert payload_of(db, claim, "any") == 1


@pytest.mark.parametrize("before", [True, False])
def test_each_event_ends_one_wait_of_a_run(db: Database, claim: Claim, before: bool) -> None:
    if not before:
        claim.stored(awaiting("one"), awaiting("two"), awaiting("three"))
    send(db, claim, {"payload": 1}, {"payload": 2})
    if before:
        claim.stored(awaiting("one"), awaiting("two"), awaiting("three"))
    go_round(db)
    assert [payload_of(db, claim, key) for key in ("one", "two", "three")] == [1, 2, None]
    send(db, claim, {"payload": 3})
    go_round(db)
    assert payload_of(db, claim, "three") == 3
    assert left_over(db) == (0, 0)


def test_different_runs_may_take_the_same_event(db: Database, builders: Builders) -> None:
    builders.runs(2, builders.endpoint())
    one, two = builders.claims()
    one.stored(awaiting("paid"))
    send(db, one, {"payload": 1})
    two.stored(awaiting("paid"))
    go_round(db)
    assert (payload_of(db, one, "paid"), payload_of(db, two, "paid")) == (1, 1)


def test_a_delayed_event_counts_when_it_is_delivered(db: Database, clock: Clock, claim: Claim) -> None:
    environment_id = claim.body["environment"]["id"]
    for event_id in ("taken back", "late"):
        event = {"name": "paid", "id": event_id, "payload": event_id}
        db.call("send_events", environment_id, [event], {"deliverAfter": 60})
    db.call("cancel_event", environment_id, "taken back")
    claim.stored(awaiting("before"))
    assert payload_of(db, claim, "before") is None
    clock.advance(timedelta(seconds=61))
    go_round(db)
    assert payload_of(db, claim, "before") == "late"


def test_a_run_may_wait_for_what_it_sends_itself(db: Database, claim: Claim) -> None:
    stored = claim.stored(sending("send", {"name": "paid", "payload": 1}), awaiting("paid"))
    assert [each["status"] for each in stored] == ["COMPLETED", "COMPLETED"]


def test_patience_ends(db: Database, clock: Clock, claim: Claim) -> None:
    claim.reply("RESUME_WITH_TASK", task=awaiting("paid", timeoutInSeconds=60))
    clock.advance(timedelta(seconds=61))
    go_round(db)
    assert output_of(db, claim, "paid") == ("ERRORED", "Remote callback timeout - no requests received")
    assert queued(db) == [claim.run_id]
    assert left_over(db) == (0, 0)


def test_with_the_run_its_waits_end(db: Database, clock: Clock, claim: Claim) -> None:
    claim.reply("RESUME_WITH_TASK", task=awaiting("paid"))
    db.call("cancel_run", claim.body["environment"]["id"], claim.run_id)
    go_round(db)
    assert output_of(db, claim, "paid") == ("CANCELED", None)
    assert (left_over(db), db.call("doctor")) == ((0, 0), [])


def test_a_run_that_is_continued_waits_anew(db: Database, builders: Builders, claim: Claim) -> None:
    send(db, claim, {"payload": 1})
    claim.stored(awaiting("one"), awaiting("two"))
    environment_id = claim.body["environment"]["id"]
    db.call("cancel_run", environment_id, claim.run_id)
    db.call("continue_run", environment_id, claim.run_id)
    send(db, claim, {"payload": 2})
    (again,) = builders.claims()
    again.stored(awaiting("one"), awaiting("two"))
    assert (payload_of(db, claim, "one"), payload_of(db, claim, "two")) == (1, 2)


def test_which_event_ended_which_wait_is_forgotten_when_the_run_has_succeeded(
    db: Database, builders: Builders
) -> None:
    builders.runs(2)
    good, bad = builders.claims()
    send(db, good, {"payload": 1})
    for claim in (good, bad):
        claim.stored(awaiting("one"))
    taken = "select run_id::text from perdure.taken_events"
    assert {row.run_id for row in db.rows(taken)} == {good.run_id, bad.run_id}
    good.reply("SUCCESS")
    bad.reply("ERROR", error={"message": "no"})
    assert [row.run_id for row in db.rows(taken)] == [bad.run_id]  # it may be continued


def test_what_cannot_be_waited_for_fails_its_task(db: Database, claim: Claim) -> None:
    expected = {
        "effect.name must have at least one name": {"name": []},
        "effect.name must be the name of an event": {"name": None},
        "effect.filter must be an event filter": {"filter": 5},
        "effect.timeoutInSeconds must be 1 to 31536000": {"timeoutInSeconds": 0},
    }
    tasks = [awaiting(message, **members) for message, members in expected.items()]
    *bad, good = claim.stored(*tasks, task("good", status="COMPLETED"))
    assert good["status"] == "COMPLETED"
    for message, each in zip(expected, bad, strict=True):
        assert (each["status"], each["output"]["name"]) == ("ERRORED", "InvalidArgument")
        assert each["output"]["message"].startswith(message)
    assert left_over(db) == (0, 0)
