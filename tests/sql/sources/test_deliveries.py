"""Requests of providers: kept, handed to the app's handler, and what its answer makes of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import queued, snapshot
from tests.sql.sources.source_app import PUBLIC_URL, SourceApp, source
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

BODY = b'\x00\xff {"not": "decoded"}'


def claim(db: Database, limit: int = 10) -> list[Any]:
    rows: list[Any] = db.call("claim_deliveries", "worker", limit)
    return rows


def result(claimed: Any, *, ok: bool = True, **members: Any) -> dict[str, Any]:
    identity = {"deliveryId": claimed.delivery_id, "leaseNumber": claimed.lease_number}
    return {**identity, "ok": ok, **members}


def apply(db: Database, *results: dict[str, Any]) -> list[str]:
    return [row.outcome for row in db.call("apply_delivery_results", list(results))]


def delivery(db: Database, delivery_id: str) -> Any:
    (row,) = db.rows("select * from perdure.source_deliveries where id = %s", delivery_id)
    return row


def in_production(app: SourceApp) -> None:
    app.db.execute("update perdure.environments set type = 'PRODUCTION' where id = %s", app.environment_id)


def test_a_request_is_kept_raw(registered: SourceApp, db: Database) -> None:
    answer = registered.receive(body=BODY)
    assert answer == {"accepted": True, "id": answer["id"]}
    row = delivery(db, answer["id"])
    assert (row.status, row.url, row.method) == ("PENDING", f"{PUBLIC_URL}/hook", "POST")
    assert (row.headers, bytes(row.body), row.attempt_count) == ({"x-event": "issues"}, BODY, 0)


def test_a_source_that_is_not_registered_accepts_nothing(app: SourceApp, db: Database) -> None:
    app.index(source("hook", "issues"))
    assert app.receive() == {"accepted": False}
    assert db.value("select count(*) from perdure.source_deliveries") == 0


def test_an_unknown_source_is_not_found(pure_db: Database) -> None:
    for source_id in ("01900000-0000-7000-8000-000000000000", None):
        with refused("JQ001", "source"):
            pure_db.call("receive_source_request", source_id, "https://x/", "POST", {}, b"")


def test_a_claim_brings_the_whole_request(registered: SourceApp, db: Database) -> None:
    registered.update(data={"webhook": 7})
    registered.receive(body=BODY)
    (claimed,) = claim(db)
    assert (claimed.lease_number, claimed.url, claimed.timeout_ms) == (1, registered.endpoint.url, 60_000)
    assert claimed.signing_secrets == db.call("get_signing_secrets", registered.environment_id)
    assert bytes(claimed.body) == BODY
    assert claimed.headers == {
        "x-ts-key": "hook",
        "x-ts-secret": registered.row().secret,
        "x-ts-params": '{"repo": "site"}',
        "x-ts-data": '{"webhook":7}'.replace(":", ": "),
        "x-ts-http-url": f"{PUBLIC_URL}/hook",
        "x-ts-http-method": "POST",
        "x-ts-http-headers": '{"x-event": "issues"}',
    }
    assert claim(db) == []


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
    (again,) = claim(db)
    assert (again.delivery_id, again.lease_number) == (received["id"], 2)


def test_the_oldest_come_first_and_no_more_than_asked_for(registered: SourceApp, db: Database) -> None:
    ids = [registered.receive()["id"] for _ in range(3)]
    assert sorted(row.delivery_id for row in claim(db, 2)) == ids[:2]
    assert [row.delivery_id for row in claim(db, 2)] == ids[2:]


@pytest.mark.parametrize("limit", [None, 0, 1001])
def test_the_limit_must_be_in_range(pure_db: Database, limit: int | None) -> None:
    with refused("JQ010", "p_limit", "1..1000"):
        pure_db.call("claim_deliveries", "worker", limit)


def test_a_handlers_events_start_runs_once(registered: SourceApp, db: Database, clock: Clock) -> None:
    received = registered.receive()
    (claimed,) = claim(db)
    waiting = len(queued(db))
    reply = {
        "events": [{"name": "greet", "id": "e-1", "payload": {"n": 1}}, {"name": "unheard-of", "id": "e-2"}],
        "response": {"status": 200, "body": "ok"},
        "metadata": {"cursor": 5},
    }
    done = result(claimed, reply=reply)
    assert apply(db, done) == ["DELIVERED"]
    row = delivery(db, received["id"])
    assert (row.status, row.response, row.due_at) == ("DELIVERED", {"status": 200, "body": "ok"}, None)
    assert row.completed_at <= clock.now()
    assert len(queued(db)) == waiting + 1
    assert len(db.call("get_event", registered.environment_id, "e-1")["runs"]) == 1
    assert registered.row().metadata == {"cursor": 5}

    before = snapshot(db)
    assert apply(db, done) == ["LEASE_LOST"]
    assert snapshot(db) == before
    registered.receive()
    (claimed,) = claim(db)
    assert claimed.headers["x-ts-metadata"] == '{"cursor": 5}'


@pytest.mark.parametrize("reply", [None, {}, {"events": []}, {"response": {"status": 200}}])
def test_a_handler_may_have_nothing_to_say(registered: SourceApp, db: Database, reply: Any) -> None:
    registered.receive()
    (claimed,) = claim(db)
    assert apply(db, result(claimed, reply=reply)) == ["DELIVERED"]


def test_a_failure_is_tried_again_fourteen_times(registered: SourceApp, db: Database, clock: Clock) -> None:
    in_production(registered)
    received = registered.receive()
    for attempt in range(1, 15):
        (claimed,) = claim(db)
        assert claimed.lease_number == attempt
        now = clock.now()
        outcome = apply(db, result(claimed, ok=False, message=f"failure {attempt}"))
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
    assert apply(db, result(claimed, ok=False, message="no handler")) == ["FAILED"]
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
    assert apply(db, result(claimed)) == ["LEASE_LOST"]


def test_the_answer_to_an_old_claim_changes_nothing(
    registered: SourceApp, db: Database, clock: Clock
) -> None:
    registered.receive()
    (old,) = claim(db)
    clock.advance(timedelta(seconds=71))
    (new,) = claim(db)
    before = snapshot(db)
    late = [
        result(old, reply={"events": [{"name": "greet"}]}),
        result(old, ok=False),
        {"deliveryId": registered.row().id, "leaseNumber": 1, "ok": True},
        {"deliveryId": None, "leaseNumber": None, "ok": None},
    ]
    assert apply(db, *late) == ["LEASE_LOST"] * 4
    assert snapshot(db) == before
    assert apply(db, result(new)) == ["DELIVERED"]


BAD_REPLIES: list[dict[str, Any]] = [
    {"events": [{"payload": {}}]},
    {"events": "many"},
    {"events": [5]},
    {"events": [{"name": "greet", "timestamp": "soon"}], "metadata": {"lost": True}},
    {"events": [{"name": "greet", "id": "first"}, {"name": "greet", "isTest": "maybe"}]},
]


def test_a_handlers_bad_events_are_rejected_alone(
    registered: SourceApp, db: Database, builders: Builders
) -> None:
    for _ in range(len(BAD_REPLIES) + 2):
        registered.receive()
    first, *bad, last = claim(db, 100)
    replies = [result(each, reply=reply) for each, reply in zip(bad, BAD_REPLIES, strict=True)]
    good = {"events": [{"name": "greet", "id": "good"}]}
    found = db.call("apply_delivery_results", [result(last, reply=good), *replies, result(first, ok=False)])
    outcomes = {row.delivery_id: row.outcome for row in found}
    assert outcomes == {
        last.delivery_id: "DELIVERED",
        **{each.delivery_id: "FAILED" for each in bad},
        first.delivery_id: "FAILED",
    }
    assert list(outcomes) == sorted(outcomes)
    for each in bad:
        row = delivery(db, each.delivery_id)
        assert (row.status, row.due_at, row.completed_at is None) == ("FAILED", None, False)
        assert "The handler's events were refused" in row.message
    names = db.rows("select event_id from perdure.events where name = 'greet'")
    assert [row.event_id for row in names] == ["good"]
    assert registered.row().metadata is None


def test_sleeping_dispatchers_are_told(registered: SourceApp, db: Database, db_url: str) -> None:
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        registered.receive()
        (heard,) = listener.connection.notifies(timeout=10, stop_after=1)
    assert heard.payload == "deliveries"
