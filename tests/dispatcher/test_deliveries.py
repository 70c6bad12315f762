"""Requests on their way to the app: byte for byte, made into events, tried again after a failure."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from perdure.wire.signing import derive_signing_secret, verify
from tests.dispatcher.conftest import StartDispatcher, StartProcess
from tests.dispatcher.running import wait_for_status
from tests.support.builders import Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.waiting import eventually

ACTION = "DELIVER_HTTP_SOURCE_REQUEST"
RAW = b'{"zen": "\xff\x00 not even UTF-8"}'
EVENTS = Answer.json(
    {
        "events": [{"id": "delivery-1", "name": "issue.opened", "payload": {"number": 7}}],
        "response": {"status": 200, "body": {"ok": True}},
        "metadata": {"seen": 1},
    }
)


@dataclass(frozen=True)
class Source:
    """A registered source of ``endpoint``."""

    db: Database
    id: str
    endpoint: Endpoint

    def receive(self, body: bytes = RAW) -> str:
        """A provider's request comes in; returns the delivery's id."""
        accepted = self.db.call(
            "receive_source_request",
            self.id,
            "https://jobs.example.com/api/v1/sources/http/x?name=Zo%C3%AB",
            "POST",
            {"x-github-event": "issues", "x-greeting": "grüß\ndich"},
            body,
        )
        delivery_id: str = accepted["id"]
        return delivery_id

    def delivery(self, delivery_id: str) -> Any:
        """The delivery's row."""
        (row,) = self.db.rows("select * from perdure.deliveries where id = %s", delivery_id)
        return row


@pytest.fixture
def make_source(builders: Builders, scripted_endpoint: ScriptedEndpoint) -> Callable[..., Source]:
    """A source in production, or in the environment with this slug."""

    def make(slug: str = "prod", *, timeout_ms: int | None = None) -> Source:
        builders.db.call("set_setting", "public_url", "https://jobs.example.com")
        integration = {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"}
        endpoint = builders.endpoint(
            job("on-issue", event="issue.opened"),
            environment=builders.environment(slug),
            url=scripted_endpoint.url,
            timeout_ms=timeout_ms,
            sources=[
                {
                    "version": "2",
                    "channel": "HTTP",
                    "integration": integration,
                    "key": "github.acme.site",
                    "params": {"owner": "Zoë"},
                    "options": {"event": ["issues"]},
                }
            ],
        )
        update = {"options": {"event": ["issues"]}, "secret": "s3cret", "data": {"id": 12}}
        source = builders.db.call("update_source", endpoint.environment.id, "github.acme.site", update)
        return Source(builders.db, source["id"], endpoint)

    return make


def test_a_request_reaches_the_app_as_it_came_and_its_events_start_runs(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, make_source: Callable[..., Source]
) -> None:
    scripted_endpoint.default(ACTION, EVENTS)
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "SUCCESS"}))
    start_dispatcher(max_sleep_s=3600)
    source = make_source()
    delivery_id = source.receive()

    def started() -> bool:
        return any(
            request.json["event"]["name"] == "issue.opened" for request in scripted_endpoint.requests()
        )

    eventually(started, what="the run of the event")
    executed = [request.json["event"] for request in scripted_endpoint.requests()]
    assert [event["payload"] for event in executed if event["name"] == "issue.opened"] == [{"number": 7}]
    delivery = source.delivery(delivery_id)
    assert (delivery.status, delivery.attempt_count) == ("DELIVERED", 1)
    assert delivery.response == {"status": 200, "body": {"ok": True}}

    (request,) = scripted_endpoint.requests(ACTION)
    assert request.body == RAW
    assert verify(
        derive_signing_secret(source.endpoint.environment.key), request.headers, RAW, now=time.time()
    )
    assert request.headers["content-type"] == "application/octet-stream"
    described = {name: text for name, text in request.headers.items() if name.startswith("x-ts-")}
    assert described.pop("x-ts-key") == "github.acme.site"
    assert described.pop("x-ts-secret") == "s3cret"
    assert described.pop("x-ts-http-method") == "POST"
    assert described.pop("x-ts-http-url").startswith("https://jobs.example.com/api/v1/sources/http/x")
    assert {name: json.loads(text) for name, text in described.items()} == {
        "x-ts-params": {"owner": "Zoë"},
        "x-ts-data": {"id": 12},
        "x-ts-http-headers": {"x-github-event": "issues", "x-greeting": "grüß\ndich"},
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer.json({"message": "no database"}, status=500), "no database"),
        (Answer.json({"message": "Invalid headers"}, status=400), "Invalid headers"),
        (Answer.html(), "an HTML page"),
        (Answer.json(["events"]), "no JSON object"),
        (Answer(200, body=b'{"events":[],"response":{"status":200,"body":NaN}}'), "no JSON object"),
        (Answer.reset(), "reset"),
    ],
    ids=["5xx", "4xx", "html", "wrong-shape", "not-storable", "reset"],
)
def test_a_failed_delivery_is_tried_again(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    make_source: Callable[..., Source],
    clock: Clock,
    answer: Answer,
    said: str,
) -> None:
    scripted_endpoint.then(ACTION, answer)
    scripted_endpoint.default(ACTION, EVENTS)
    start_dispatcher(max_sleep_s=3600)
    source = make_source()
    delivery_id = source.receive()

    def failed() -> str | None:
        delivery = source.delivery(delivery_id)
        message: str | None = delivery.message
        return message if message is not None and "Claimed by" not in message else None

    assert said in (eventually(failed, what="the failure's message") or "")
    clock.advance(timedelta(seconds=2))
    eventually(lambda: source.delivery(delivery_id).status == "DELIVERED", what="the second attempt")
    assert len(scripted_endpoint.requests(ACTION)) == 2


def test_more_deliveries_than_slots_are_all_delivered(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, make_source: Callable[..., Source]
) -> None:
    scripted_endpoint.default(ACTION, Answer.json({"events": [], "response": {"status": 200}}))
    source = make_source()
    deliveries = [source.receive(b"%d" % number) for number in range(9)]
    start_dispatcher(delivery_slots=2, max_sleep_s=3600)

    def delivered() -> bool:
        return {source.delivery(delivery_id).status for delivery_id in deliveries} == {"DELIVERED"}

    eventually(delivered)
    assert sorted(request.body for request in scripted_endpoint.requests(ACTION)) == [
        b"%d" % n for n in range(9)
    ]


def issues(scripted_endpoint: ScriptedEndpoint) -> int:
    """Runs that the event of a delivery has started."""
    return sum(request.json["event"]["name"] == "issue.opened" for request in scripted_endpoint.requests())


def test_a_handler_that_does_not_answer_in_time_is_asked_again(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    make_source: Callable[..., Source],
    clock: Clock,
) -> None:
    scripted_endpoint.then(ACTION, Answer.hang())
    scripted_endpoint.default(ACTION, EVENTS)
    start_dispatcher(max_sleep_s=3600)
    source = make_source(timeout_ms=1000)
    delivery_id = source.receive()
    eventually(lambda: "within 1 s" in (source.delivery(delivery_id).message or ""), what="the timeout")
    clock.advance(timedelta(seconds=2))
    eventually(lambda: source.delivery(delivery_id).status == "DELIVERED", what="the second attempt")


def test_a_delivery_of_a_killed_dispatcher_is_made_by_another(
    start_process: StartProcess,
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    make_source: Callable[..., Source],
    clock: Clock,
) -> None:
    scripted_endpoint.then(ACTION, Answer.hang())
    scripted_endpoint.default(ACTION, EVENTS)
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "SUCCESS"}))
    source = make_source()
    delivery_id = source.receive()
    first = start_process()
    scripted_endpoint.wait_for(1, ACTION, timeout_s=20)
    first.kill()
    first.wait(timeout=10)
    start_dispatcher(max_sleep_s=3600)
    clock.advance(timedelta(seconds=71))
    eventually(lambda: source.delivery(delivery_id).status == "DELIVERED", what="the second attempt")
    assert source.delivery(delivery_id).attempt_count == 2
    eventually(lambda: issues(scripted_endpoint) == 1, what="the run of the event")


def test_the_late_answer_of_a_lost_lease_changes_nothing(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    make_source: Callable[..., Source],
    clock: Clock,
) -> None:
    gate = threading.Event()
    late = {"events": [{"id": "late", "name": "issue.opened"}], "response": {"status": 500}}
    scripted_endpoint.then(ACTION, Answer.slow(late, gate))
    scripted_endpoint.default(ACTION, EVENTS)
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "SUCCESS"}))
    dispatcher = start_dispatcher(max_sleep_s=3600)
    source = make_source()
    delivery_id = source.receive()
    scripted_endpoint.wait_for(1, ACTION)
    clock.advance(timedelta(seconds=71))
    eventually(lambda: source.delivery(delivery_id).status == "DELIVERED", what="the second attempt")
    gate.set()
    dispatcher.ask_to_stop()
    dispatcher.join()
    assert dispatcher.drained is True, "the late answer was handed in"
    assert source.delivery(delivery_id).response == {"status": 200, "body": {"ok": True}}
    assert source.db.value("select count(*) from perdure.events where event_id = 'late'") == 0


def test_an_app_is_asked_for_its_jobs_by_itself(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    clock: Clock,
    db: Database,
) -> None:
    named = {"perdure_sdk_version": "7.0.0"}
    scripted_endpoint.default("INDEX_ENDPOINT", Answer.json(manifest(job("added")), **named))
    start_dispatcher(max_sleep_s=3600)
    clock.advance(timedelta(hours=1))
    (request,) = scripted_endpoint.wait_for(1, "INDEX_ENDPOINT")
    assert (request.body, request.headers.get("content-type")) == (b"", None)

    def added() -> bool:
        return bool(db.value("select count(*) from perdure.jobs where slug = 'added'"))

    eventually(added, what="the new job")
    sdk = db.value("select sdk_version from perdure.endpoints where id = %s", app.id)
    assert sdk == "7.0.0"


def test_a_run_is_shown_with_the_properties_that_the_app_gives_it(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, builders: Builders, db: Database
) -> None:
    properties = [{"label": "Who", "text": "Ann"}]
    scripted_endpoint.default("PREPROCESS_RUN", Answer.json({"abort": False, "properties": properties}))
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "SUCCESS"}))
    start_dispatcher(max_sleep_s=3600)
    run = builders.run(builders.endpoint(job(preprocessRuns=True), url=scripted_endpoint.url))
    wait_for_status(run, "SUCCESS")
    assert [request.action for request in scripted_endpoint.received] == ["PREPROCESS_RUN", "EXECUTE_JOB"]
    (asked,) = scripted_endpoint.requests("PREPROCESS_RUN")
    assert (asked.json["run"]["id"], asked.headers["content-type"]) == (run.id, "application/json")
    assert db.value("select properties from perdure.runs where id = %s", run.id) == properties
