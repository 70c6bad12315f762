"""Requests of providers: kept, handed to the app's handler, and what its answer makes of them."""

from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, claim, delivery, failure
from tests.sql.dynamic_triggers.trigger_app import REGISTER, TriggerApp, dynamic, dynamic_job, registration
from tests.sql.dynamic_triggers.trigger_app import source as dynamic_source
from tests.sql.rows import queued, snapshot
from tests.sql.sources.source_app import PUBLIC_URL, SourceApp, source
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

BODY = b'\x00\xff {"not": "decoded"}'


def test_a_request_is_kept_raw(registered: SourceApp, db: Database) -> None:
    received = registered.receive(body=BODY)
    assert received == {"accepted": True, "id": received["id"]}
    row = delivery(db, received["id"])
    assert (row.kind, row.status, row.subject_id) == ("SOURCE_REQUEST", "PENDING", registered.row().id)
    assert row.request == {"url": f"{PUBLIC_URL}/hook", "method": "POST", "headers": {"x-event": "issues"}}
    assert (bytes(row.body), row.attempt_count) == (BODY, 0)


def test_a_source_that_is_not_registered_accepts_nothing(app: SourceApp, db: Database) -> None:
    app.index(source("hook", "issues"))
    assert app.receive() == {"accepted": False}
    assert db.value("select count(*) from perdure.deliveries") == 0


def test_an_unknown_source_is_not_found(pure_db: Database) -> None:
    for source_id in ("01900000-0000-7000-8000-000000000000", None):
        with refused("JQ001", "source"):
            pure_db.call("receive_source_request", source_id, "https://x/", "POST", {}, b"")


def test_a_claim_brings_the_whole_request(registered: SourceApp, db: Database) -> None:
    registered.update(data={"webhook": 7})
    registered.receive(body=BODY)
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action) == ("SOURCE_REQUEST", "DELIVER_HTTP_SOURCE_REQUEST")
    assert (claimed.lease_number, claimed.method, claimed.url) == (1, "POST", registered.endpoint.url)
    assert (claimed.timeout_ms, claimed.sealed_api_key) == (60_000, None)
    assert claimed.signing_secrets == db.call("get_signing_secrets", registered.environment_id)
    assert bytes(claimed.body) == BODY
    assert claimed.headers == {
        "content-type": "application/octet-stream",
        "x-ts-key": "hook",
        "x-ts-secret": registered.row().secret,
        "x-ts-params": '{"repo": "site"}',
        "x-ts-data": '{"webhook":7}'.replace(":", ": "),
        "x-ts-http-url": f"{PUBLIC_URL}/hook",
        "x-ts-http-method": "POST",
        "x-ts-http-headers": '{"x-event": "issues"}',
    }
    assert claim(db) == []


def test_an_app_that_wants_the_key_in_clear_gets_it(registered: SourceApp, db: Database) -> None:
    key_id = db.value("select id from perdure.api_keys where kind = 'SECRET'")
    db.call("keep_sealed_key", key_id, "sealed!")
    db.execute("update perdure.endpoints set api_key_id = %s", key_id)
    registered.receive()
    (claimed,) = claim(db)
    assert claimed.sealed_api_key == "sealed!"


def test_a_handlers_events_start_runs_once(registered: SourceApp, db: Database, clock: Clock) -> None:
    received = registered.receive()
    (claimed,) = claim(db)
    waiting = len(queued(db))
    reply = {
        "events": [{"name": "greet", "id": "e-1", "payload": {"n": 1}}, {"name": "unheard-of", "id": "e-2"}],
        "response": {"status": 200, "body": "ok"},
        "metadata": {"cursor": 5},
    }
    done = answer(claimed, reply)
    assert apply(db, done) == ["DELIVERED"]
    row = delivery(db, received["id"])
    assert (row.status, row.response, row.due_at) == ("DELIVERED", {"status": 200, "body": "ok"}, None)
    assert row.completed_at <= clock.now()
    assert row.message is None
    assert len(queued(db)) == waiting + 1
    assert len(db.call("get_event", registered.environment_id, "e-1")["runs"]) == 1
    assert registered.row().metadata == {"cursor": 5}

    before = snapshot(db)
    assert apply(db, done) == ["LEASE_LOST"]
    assert snapshot(db) == before
    registered.receive()
    (claimed,) = claim(db)
    assert claimed.headers["x-ts-metadata"] == '{"cursor": 5}'


@pytest.mark.parametrize("reply", [{}, {"events": []}, {"response": {"status": 200}}])
def test_a_handler_may_have_nothing_to_say(registered: SourceApp, db: Database, reply: Any) -> None:
    registered.receive()
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, reply)) == ["DELIVERED"]


def test_what_jsonb_refuses_is_kept_as_it_was_written(registered: SourceApp, db: Database) -> None:
    received = registered.receive()
    (claimed,) = claim(db)
    odd = '{"z": 1.10, "a": "\\u0000 \\ud800"}'
    reply = (
        f'{{"events": [{{"name": "greet", "id": "e-1", "payload": {odd}}}],'
        f' "response": {odd}, "metadata": {odd}}}'
    )
    assert apply(db, answer(claimed, reply)) == ["DELIVERED"]
    stored = db.rows(
        """
        select e.payload::text as payload, s.metadata::text as metadata, d.response::text as response
        from perdure.events as e, perdure.sources as s, perdure.deliveries as d
        where e.event_id = 'e-1' and d.id = %s
        """,
        received["id"],
    )
    assert [tuple(row) for row in stored] == [(odd, odd, odd)]


def test_events_are_about_the_end_user_of_the_source(registered: SourceApp, db: Database) -> None:
    account = db.call("_upsert_external_account", registered.environment_id, "user-7")
    db.execute("update perdure.sources set external_account_id = %s", account)
    registered.receive()
    (claimed,) = claim(db)
    apply(db, answer(claimed, {"events": [{"name": "greet", "id": "e-1"}]}))
    stored = db.value("select external_account_id from perdure.events where event_id = 'e-1'")
    assert stored == account


def test_events_of_a_dynamic_source_start_the_jobs_of_its_trigger(db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)
    register = job("register", event=REGISTER, internal=True)
    listening = job("other", event="push", rule={"source": "github.com"})
    members = {"dynamicTriggers": [dynamic("repo", "greet")]}
    app = TriggerApp(db, builders.endpoint(dynamic_job(), register, listening, **members))
    body = registration(dynamic_source(), metadata={"plan": "pro"})
    made = app.register("one", body)
    app.activate(made)
    app.register("two", registration(dynamic_source("docs")))
    source_id = db.value("select id from perdure.sources where key = %s", made["source"]["key"])
    db.call("receive_source_request", source_id, "https://x/", "POST", {}, b"{}")

    (claimed,) = claim(db)
    assert claimed.headers["x-ts-dynamic-id"] == "repo"
    event = {"name": "push", "source": "github.com", "id": "e-1", "sourceContext": "forged"}
    assert apply(db, answer(claimed, {"events": [event]})) == ["DELIVERED"]
    assert app.started() == ["greet", "other"]  # greet once, though two sources of its trigger listen
    stored = db.value("select source_context from perdure.events where event_id = 'e-1'")
    assert stored == {"id": "one", "metadata": {"plan": "pro"}}


@pytest.mark.parametrize("events", ["many", [5], [{"payload": {}}]])
def test_bad_events_of_a_dynamic_source_are_refused(db: Database, builders: Builders, events: Any) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)
    app = TriggerApp(db, builders.endpoint(dynamic_job(), dynamicTriggers=[dynamic("repo", "greet")]))
    app.activate(app.register())
    db.call(
        "receive_source_request", db.value("select id from perdure.sources"), "https://x/", "POST", {}, b""
    )
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, {"events": events})) == ["FAILED"]
    assert "p_events" in delivery(db, claimed.delivery_id).message


BAD_REPLIES: list[dict[str, Any]] = [
    {"events": [{"payload": {}}]},
    {"events": "many"},
    {"events": [5]},
    {"events": [{"name": "greet", "timestamp": "soon"}], "metadata": {"lost": True}},
    {"events": [{"name": "greet", "id": "first"}, {"name": "greet", "isTest": "maybe"}]},
]


def test_a_handlers_bad_events_are_rejected_alone(registered: SourceApp, db: Database) -> None:
    for _ in range(len(BAD_REPLIES) + 2):
        registered.receive()
    first, *bad, last = claim(db, 100)
    replies = [answer(each, reply) for each, reply in zip(bad, BAD_REPLIES, strict=True)]
    good = {"events": [{"name": "greet", "id": "good"}]}
    found = db.call("apply_delivery_results", [answer(last, good), *replies, failure(first)])
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
        assert "The answer was refused: p_events" in row.message
    names = db.rows("select event_id from perdure.events where name = 'greet'")
    assert [row.event_id for row in names] == ["good"]
    assert registered.row().metadata is None
