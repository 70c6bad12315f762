"""Starting a run of a job directly."""

from typing import Any

import pytest

from tests.sql.rows import queued, snapshot
from tests.support.builders import Builders, Claim, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused

HOOK = "https://hooks.example/ended"


def invoke(db: Database, endpoint: Endpoint, name: str = "greet", **arguments: Any) -> str:
    run_id: str = db.call("invoke_job", endpoint.environment.id, name, **arguments)["id"]
    return run_id


def the_claim(builders: Builders) -> Claim:
    (claim,) = builders.claims()
    return claim


def notifications(db: Database) -> list[Any]:
    return db.rows("select * from perdure.deliveries where kind = 'RUN_WEBHOOK' order by id")


def test_a_job_is_started_without_an_event_that_it_listens_to(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet", event="never"), job("bystander", event="invoke"))
    run_id = invoke(db, endpoint, payload={"who": "you"}, context={"from": "test"})
    claim = the_claim(builders)
    assert claim.run_id == run_id
    assert claim.body["job"] == {"id": "greet", "version": "1.0.0"}
    event = claim.body["event"]
    assert (event["name"], event["payload"], event["context"]) == ("invoke", {"who": "you"}, {"from": "test"})
    assert event["deliveredAt"]
    assert claim.body["run"]["isTest"] is False
    assert "account" not in claim.body


def test_payload_and_context_are_empty_unless_given(db: Database, builders: Builders) -> None:
    invoke(db, builders.endpoint(), payload=None, context=None)
    event = the_claim(builders).body["event"]
    assert (event["payload"], event["context"]) == ({}, {})


def test_it_runs_in_the_newest_version(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(version="1.9.0"))
    db.call("index_endpoint", endpoint.id, manifest(job(version="1.10.0")))
    invoke(db, endpoint)
    assert the_claim(builders).body["job"]["version"] == "1.10.0"


def test_the_same_key_starts_one_run(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run_id = invoke(db, endpoint, payload={"n": 1}, idempotency_key="order-1")
    before = snapshot(db)
    assert invoke(db, endpoint, payload={"n": 2}, idempotency_key="order-1") == run_id
    assert snapshot(db) == before
    assert invoke(db, endpoint, idempotency_key="order-2") != run_id
    assert invoke(db, endpoint) != invoke(db, endpoint)


def test_the_key_is_the_id_of_the_event_that_stands_for_the_call(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run_id = invoke(db, endpoint, idempotency_key="order-1")
    event = db.call("get_event", endpoint.environment.id, "order-1")
    assert (event["name"], [run["id"] for run in event["runs"]]) == ("invoke", [run_id])
    # and of an event that was sent under that id and started the job
    run = builders.run(endpoint)
    assert invoke(db, endpoint, idempotency_key=run.event_id) == run.id


def test_a_key_finds_the_run_of_a_job_that_is_disabled_meanwhile(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run_id = invoke(db, endpoint, idempotency_key="order-1")
    db.call("index_endpoint", endpoint.id, manifest(job("else")))
    assert invoke(db, endpoint, idempotency_key="order-1") == run_id


def test_a_key_of_something_else_is_refused(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet"), job("other", event="other"))
    invoke(db, endpoint, "other", idempotency_key="order-1")
    db.call("send_event", endpoint.environment.id, "nobody listens", {}, "order-2")
    before = snapshot(db)
    for key in ("order-1", "order-2"):
        with refused("JQ004", key, "greet"):
            invoke(db, endpoint, idempotency_key=key)
    assert snapshot(db) == before


def test_two_connections_with_one_key_start_one_run(
    db: Database, other: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    with db.connection.transaction():
        run_id = invoke(db, endpoint, idempotency_key="order-1")
        other.execute("set lock_timeout = '200ms'")
        with refused("55P03"):  # it waits for the first to commit
            invoke(other, endpoint, idempotency_key="order-1")
    other.execute("set lock_timeout = 0")
    assert invoke(other, endpoint, idempotency_key="order-1") == run_id
    assert queued(db) == [run_id]


def test_a_disabled_job_is_not_started(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet"))
    db.call("index_endpoint", endpoint.id, manifest(job("greet", enabled=False)))
    before = snapshot(db)
    with refused("JQ002", "greet", "disabled"):
        invoke(db, endpoint)
    assert snapshot(db) == before


def test_an_unknown_job_is_not_found(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    elsewhere = builders.environment("prod", project=endpoint.environment.project)
    for environment_id, name in ((endpoint.environment.id, "none"), (elsewhere.id, "greet")):
        with refused("JQ001", name):
            db.call("invoke_job", environment_id, name)


def test_the_run_is_about_an_end_user(db: Database, builders: Builders) -> None:
    invoke(db, builders.endpoint(), options={"accountId": "user-1"})
    assert the_claim(builders).body["account"] == {"id": "user-1", "metadata": {}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"options": [1]}, "p_options"),
        ({"options": {"accountId": ""}}, "p_options.accountId"),
        ({"options": {"callbackUrl": "ftp://a"}}, "p_options.callbackUrl"),
        ({"options": {"callbackUrl": "https://"}}, "p_options.callbackUrl"),
        ({"options": {"callbackUrl": "https://a/ b"}}, "p_options.callbackUrl"),
        ({"options": {"callbackUrl": "https://a/" + "b" * 2000}}, "p_options.callbackUrl"),
        ({"options": {"callbackUrl": 5}}, "p_options.callbackUrl"),
        ({"idempotency_key": ""}, "p_idempotency_key"),
        ({"idempotency_key": "k" * 1001}, "p_idempotency_key"),
    ],
)
def test_what_an_invocation_cannot_have_is_refused(
    db: Database, builders: Builders, arguments: dict[str, Any], words: str
) -> None:
    endpoint = builders.endpoint()
    before = snapshot(db)
    with refused("JQ010", words):
        invoke(db, endpoint, **arguments)
    assert snapshot(db) == before


@pytest.mark.parametrize(("reply", "ok"), [("SUCCESS", True), ("ERROR", False)])
def test_the_callback_url_is_told_of_the_end(db: Database, builders: Builders, reply: str, ok: bool) -> None:
    endpoint = builders.endpoint()
    run_id = invoke(db, endpoint, payload={"n": 1}, options={"callbackUrl": HOOK}, idempotency_key="order-1")
    invoke(db, endpoint, options={"callbackUrl": HOOK}, idempotency_key="order-1")
    assert notifications(db) == []
    the_claim(builders).reply(reply, output=7, error={"message": "no"})
    (told,) = notifications(db)
    assert (told.url, told.endpoint_id, told.status, told.subject_id) == (HOOK, None, "PENDING", run_id)
    assert (told.request["id"], told.request["ok"]) == (run_id, ok)
    assert told.request["invocation"]["id"] == "order-1"
    assert told.request["invocation"]["payload"] == {"n": 1}


def test_who_asks_after_the_end_is_told_at_once(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    invoke(db, endpoint, idempotency_key="order-1", options={"callbackUrl": HOOK})
    the_claim(builders).reply("SUCCESS", output=7)
    late = "https://hooks.example/late"
    invoke(db, endpoint, idempotency_key="order-1", options={"callbackUrl": late})
    assert [(told.url, told.request["output"]) for told in notifications(db)] == [(HOOK, 7), (late, 7)]


def test_a_run_cannot_end_unseen_while_somebody_asks(
    db: Database, other: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    run_id = invoke(db, endpoint, idempotency_key="order-1")
    with db.connection.transaction():
        invoke(db, endpoint, idempotency_key="order-1", options={"callbackUrl": HOOK})
        other.execute("set lock_timeout = '200ms'")
        with refused("55P03"):
            other.call("cancel_run", endpoint.environment.id, run_id)
    other.execute("set lock_timeout = 0")
    other.call("cancel_run", endpoint.environment.id, run_id)
    assert [told.request["status"] for told in notifications(db)] == ["CANCELED"]
