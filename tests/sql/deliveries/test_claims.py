"""Leases, attempts and late results: what is the same for all that is sent."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, claim, delivery, failure, result, statuses
from tests.sql.rows import snapshot
from tests.sql.sources.source_app import SourceApp
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def in_production(app: SourceApp) -> None:
    app.db.execute("update perdure.environments set type = 'PRODUCTION' where id = %s", app.environment_id)
    app.db.call("_refresh_plain_starts", app.environment_id)


def test_a_claim_holds_for_the_timeout_and_a_margin(
    registered: SourceApp, db: Database, clock: Clock
) -> None:
    received = registered.receive()
    before = clock.now()
    claim(db)
    due_at = delivery(db, received["id"]).due_at
    assert timedelta(seconds=70) <= due_at - before <= timedelta(seconds=70) + (clock.now() - before)
    assert (db.call("promote_due")[0].next_due_ms or 0) <= 70_000
    clock.advance(timedelta(seconds=71))
    (again,) = claim(db)  # whoever had claimed it was killed
    assert (again.delivery_id, again.lease_number) == (received["id"], 2)


def test_the_oldest_come_first_and_no_more_than_asked_for(registered: SourceApp, db: Database) -> None:
    ids = [registered.receive()["id"] for _ in range(3)]
    assert sorted(row.delivery_id for row in claim(db, 2)) == ids[:2]
    assert [row.delivery_id for row in claim(db, 2)] == ids[2:]


@pytest.mark.parametrize("limit", [None, 0, 1001])
def test_the_limit_must_be_in_range(pure_db: Database, limit: int | None) -> None:
    with refused("JQ010", "p_limit", "1..1000"):
        pure_db.call("claim_deliveries", "worker", limit)


def test_a_failure_is_tried_again_fourteen_times(registered: SourceApp, db: Database, clock: Clock) -> None:
    in_production(registered)
    received = registered.receive()
    for attempt in range(1, 15):
        (claimed,) = claim(db)
        assert claimed.lease_number == attempt
        now = clock.now()
        outcome = apply(db, failure(claimed, f"failure {attempt}"))
        row = delivery(db, received["id"])
        assert row.message == f"failure {attempt}"
        if attempt < 14:
            delay = min(timedelta(seconds=2**attempt), timedelta(hours=1))
            assert (outcome, row.status) == (["PENDING"], "PENDING")
            assert delay <= row.due_at - now <= delay + (clock.now() - now)
            assert claim(db) == []
            clock.advance(delay)
    assert (outcome, row.status, row.due_at) == (["FAILED"], "FAILED", None)
    assert (claim(db), db.call("doctor")) == ([], [])


def test_in_development_a_failure_is_final(registered: SourceApp, db: Database) -> None:
    received = registered.receive()
    (claimed,) = claim(db)
    assert apply(db, failure(claimed, "no handler")) == ["FAILED"]
    assert delivery(db, received["id"]).message == "no handler"


def test_a_claim_that_is_never_answered_does_not_go_on_for_ever(
    registered: SourceApp, db: Database, clock: Clock
) -> None:
    received = registered.receive()
    for attempt in range(1, 15):
        (claimed,) = claim(db)
        assert claimed.lease_number == attempt
        clock.advance(timedelta(seconds=71))
    assert claim(db) == []
    row = delivery(db, received["id"])
    assert (row.status, row.due_at) == ("FAILED", None)
    assert "None of 14 attempts was answered" in row.message
    assert apply(db, answer(claimed)) == ["LEASE_LOST"]


def test_the_answer_to_an_old_claim_changes_nothing(
    registered: SourceApp, db: Database, clock: Clock
) -> None:
    registered.receive()
    (old,) = claim(db)
    clock.advance(timedelta(seconds=71))
    (new,) = claim(db)
    before = snapshot(db)
    late: list[dict[str, Any]] = [
        answer(old, {"events": [{"name": "greet"}]}),
        failure(old),
        {**answer(old), "deliveryId": registered.row().id},
        {"deliveryId": None, "leaseNumber": None, "verdict": None},
    ]
    assert apply(db, *late) == ["LEASE_LOST"] * 4
    assert snapshot(db) == before
    assert apply(db, answer(new)) == ["DELIVERED"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"status": 500, "body": {"message": "no database"}}, "no database"),
        ({"status": 503, "body": "<h1>overloaded</h1>"}, "The receiver responded with 503 status code"),
        ({"status": 404, "body": {"message": ""}}, "The receiver responded with 404 status code"),
        ({"status": 307, "body": ""}, "a redirect to nowhere"),
        ({"status": 204, "body": ""}, "The receiver responded with 204 status code"),
        ({"body": "<!doctype html>"}, "an HTML page"),
        ({"body": ""}, "nothing more"),
        ({"body": "OK then"}, "begins with: OK then"),
        ({"body": "[1]"}, "begins with: [1]"),
        ({"body": '{"events": [' + "\x00"}, "no JSON object"),
    ],
)
def test_a_bad_answer_says_what_is_wrong(
    registered: SourceApp, db: Database, given: dict[str, Any], said: str
) -> None:
    in_production(registered)
    received = registered.receive()
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, **given)) == ["PENDING"]
    assert said in delivery(db, received["id"]).message


@pytest.mark.parametrize("verdict", ["UNREACHABLE", "TIMEOUT", "MALFORMED", "REFUSED"])
def test_no_answer_is_tried_again(registered: SourceApp, db: Database, verdict: str) -> None:
    in_production(registered)
    received = registered.receive()
    (claimed,) = claim(db)
    assert apply(db, result(claimed, verdict, message="so it was")) == ["PENDING"]
    assert delivery(db, received["id"]).message == "so it was"


def test_what_nobody_waits_for_any_more_is_not_sent(registered: SourceApp, db: Database) -> None:
    registered.receive()
    db.execute("update perdure.deliveries set subject_id = id")  # as if the source were gone
    second = registered.receive()
    (claimed,) = claim(db)
    assert claimed.delivery_id == second["id"]
    assert statuses(db) == [("SOURCE_REQUEST", "FAILED"), ("SOURCE_REQUEST", "PENDING")]


def test_sleeping_dispatchers_are_told(registered: SourceApp, db: Database, db_url: str) -> None:
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        registered.receive()
        (heard,) = listener.connection.notifies(timeout=10, stop_after=1)
    assert heard.payload == "deliveries"


def test_a_claim_under_way_hides_its_deliveries_from_others(
    registered: SourceApp, db: Database, other: Database
) -> None:
    for _ in range(4):
        registered.receive()
    db.execute("begin")
    mine = {row.delivery_id for row in db.call("claim_deliveries", "one", 2)}
    theirs = {row.delivery_id for row in other.call("claim_deliveries", "two", 10)}  # does not wait
    db.execute("commit")
    assert (len(mine), len(theirs), mine & theirs) == (2, 2, set())


def test_an_answer_handed_in_twice_at_once_counts_once(
    registered: SourceApp, db: Database, other: Database
) -> None:
    registered.receive()
    (claimed,) = claim(db)
    done = answer(claimed, {"events": [{"name": "greet", "id": "e-1"}]})
    db.execute("begin")
    assert apply(db, done) == ["DELIVERED"]
    ((row,),) = blocked_until(db, "commit", (other, lambda: other.call("apply_delivery_results", [done])))
    assert row.outcome == "LEASE_LOST"
