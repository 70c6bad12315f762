"""What goes to URLs outside, and what needs no request at all."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from datetime import timedelta
from typing import Any

import pytest

from perdure.wire.signing import derive_signing_secret, verify
from perdure_engine.sealing import SecretBox, new_secret_key
from tests.dispatcher.conftest import StartDispatcher
from tests.dispatcher.running import wait_for_status
from tests.support.builders import Builders, Endpoint, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint
from tests.support.waiting import eventually

SUCCESS = Answer.json({"status": "SUCCESS", "output": {"sum": 3}})


def outside(scripted_endpoint: ScriptedEndpoint) -> list[Received]:
    """The requests that were no calls of the app."""
    return scripted_endpoint.requests("")


def send_event_to(db: Database, endpoint: Endpoint, url: str) -> None:
    """Have an event sent to a URL."""
    environment_id = endpoint.environment.id
    db.call("register_ephemeral_dispatcher", environment_id, {"url": url, "name": "paid"})
    db.call("send_events", environment_id, [{"name": "paid", "id": "e-1", "payload": {"n": 1}}])


def only_delivery(db: Database, kind: str) -> Any:
    (row,) = db.rows("select * from perdure.deliveries where kind = %s", kind)
    return row


def keep_key(db: Database, endpoint: Endpoint, secret_keys: str) -> None:
    """Keep the environment's key sealed, as the server does."""
    key_id = db.value("select id from perdure.api_keys where kind = 'SECRET'")
    db.call("keep_sealed_key", key_id, SecretBox.from_setting(secret_keys).seal(endpoint.environment.key))


def test_an_event_reaches_its_receiver_at_the_second_attempt(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    clock: Clock,
    db: Database,
) -> None:
    scripted_endpoint.then("", Answer(500), Answer(204))
    start_dispatcher(max_sleep_s=3600)
    send_event_to(db, app, scripted_endpoint.url + "/hook?a=1")
    eventually(lambda: "500" in (only_delivery(db, "EVENT").message or ""), what="the failure")
    clock.advance(timedelta(seconds=2))
    eventually(lambda: only_delivery(db, "EVENT").status == "DELIVERED", what="the second attempt")
    first, second = outside(scripted_endpoint)
    assert first.json == second.json
    assert (second.json["id"], second.json["payload"]) == ("e-1", {"n": 1})
    assert (second.method, second.headers["content-type"]) == ("POST", "application/json")
    assert "webhook-signature" not in second.headers


def test_a_receiver_that_is_not_there_is_tried_again(
    start_dispatcher: StartDispatcher, app: Endpoint, db: Database
) -> None:
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/hook"
        start_dispatcher(max_sleep_s=3600)
        send_event_to(db, app, url)
        eventually(lambda: url in (only_delivery(db, "EVENT").message or ""), what="the failure")
    row = only_delivery(db, "EVENT")
    assert (row.status, row.attempt_count) == ("PENDING", 1)


def test_a_redirect_is_not_followed(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, db: Database
) -> None:
    scripted_endpoint.then("", Answer(307, {"location": "/elsewhere"}))
    start_dispatcher(max_sleep_s=3600)
    send_event_to(db, app, scripted_endpoint.url)
    eventually(lambda: "/elsewhere" in (only_delivery(db, "EVENT").message or ""), what="the failure")
    assert len(outside(scripted_endpoint)) == 1


def test_the_end_of_a_run_is_told_with_both_signatures(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    clock: Clock,
    db: Database,
) -> None:
    secret_keys = new_secret_key()
    keep_key(db, app, secret_keys)
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    scripted_endpoint.then("", Answer.reset(), Answer(200))
    start_dispatcher(max_sleep_s=3600, secret_keys=secret_keys)
    options = {"callbackUrl": scripted_endpoint.url}
    run_id = db.call("invoke_job", app.environment.id, "greet", {}, {}, options)["id"]

    def failed() -> bool:
        rows = db.rows("select message from perdure.deliveries where kind = 'RUN_WEBHOOK'")
        return any(scripted_endpoint.url in (row.message or "") for row in rows)

    eventually(failed, what="the first attempt")
    clock.advance(timedelta(seconds=2))
    eventually(lambda: only_delivery(db, "RUN_WEBHOOK").status == "DELIVERED", what="the second attempt")
    first, second = outside(scripted_endpoint)
    assert (second.json["id"], second.json["output"]) == (run_id, {"sum": 3})
    key = app.environment.key
    digest = hmac.new(key.encode(), second.body, hashlib.sha256).hexdigest()
    assert second.headers["x-trigger-signature-256"] == digest
    verify(derive_signing_secret(key), second.headers, second.body, now=time.time())
    assert first.headers["webhook-id"] == second.headers["webhook-id"]  # the receiver may know it by that


@pytest.mark.parametrize("secret_keys", [None, new_secret_key()], ids=["no-key", "another-key"])
def test_without_the_right_secret_key_nothing_is_sent_and_said_why(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    db: Database,
    secret_keys: str | None,
) -> None:
    keep_key(db, app, new_secret_key())
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600, secret_keys=secret_keys)
    options = {"callbackUrl": scripted_endpoint.url}
    db.call("invoke_job", app.environment.id, "greet", {}, {}, options)

    def said() -> bool:
        rows = db.rows("select message from perdure.deliveries where kind = 'RUN_WEBHOOK'")
        return any("PERDURE_SECRET_KEYS" in (row.message or "") for row in rows)

    eventually(said, what="the reason")
    assert outside(scripted_endpoint) == []


def test_a_callback_of_ours_is_called_without_a_request(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, builders: Builders, db: Database
) -> None:
    origin = scripted_endpoint.url.removesuffix("/api/trigger")
    db.call("set_setting", "public_url", origin)  # a request to it would be seen
    endpoint = builders.endpoint(job("parent", event="begin"), job(), url=scripted_endpoint.url)
    parent = builders.run(endpoint, event="begin")
    claimed = builders.claim(parent)
    (opened,) = claimed.stored(task("wait", callback={"enabled": True}))
    claimed.reply("RESUME_WITH_TASK", task=opened)
    assert opened["callbackUrl"].startswith(origin)

    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600)
    options = {"callbackUrl": opened["callbackUrl"]}
    child_id = db.call("invoke_job", endpoint.environment.id, "greet", {}, {}, options)["id"]
    wait_for_status(parent, "SUCCESS")
    assert outside(scripted_endpoint) == []
    output = db.value("select output from perdure.tasks where run_id = %s", parent.id)
    assert (output["id"], output["output"]) == (child_id, {"sum": 3})


def test_a_task_gets_what_was_fetched_for_it_redirects_followed(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    builders: Builders,
    db: Database,
) -> None:
    run = builders.run(app)
    claimed = builders.claim(run)
    init = {"method": "PUT", "headers": {"X-Mine": "1"}, "body": "grüß"}
    params = {"url": scripted_endpoint.url + "/first", "requestInit": init}
    (opened,) = claimed.stored(task("fetch", operation="fetch", params=params))
    claimed.reply("RESUME_WITH_TASK", task=opened)

    moved = Answer(307, {"location": "/second"})
    scripted_endpoint.then("", moved, Answer.json({"price": 1.5}))
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600)
    wait_for_status(run, "SUCCESS")
    _, second = outside(scripted_endpoint)
    assert (second.path, second.method, second.body) == ("/second", "PUT", "grüß".encode())
    assert second.headers["x-mine"] == "1"
    assert db.value("select output from perdure.tasks where run_id = %s", run.id) == {"price": 1.5}
