"""What runs begin with is noted with their subscription, and follows all changes of what decides it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.sql.rows import body_of, queued, run_row
from tests.support.builders import SDK, Builders, Endpoint, Environment, job, manifest
from tests.support.concurrency import blocked_until
from tests.support.database import Database

MARGIN = timedelta(seconds=10)
GREETING = {"name": "greet", "payload": {"n": 1}}

Change = Callable[[Database, Endpoint], object]


def send(db: Database, environment: Environment, *events: Any, limit: int = 10) -> list[Any]:
    """The runs that begin as their events are sent; one greeting, unless others are given."""
    sent = list(events) or [GREETING]
    rows = db.call("send_and_claim", environment.id, sent, {}, "here", limit, MARGIN)
    return [row for row in rows if row.run_id]


def index(db: Database, endpoint: Endpoint, *jobs: Any) -> None:
    """The app is deployed with these jobs."""
    db.call("index_endpoint", endpoint.id, manifest(*jobs), SDK)


def calls(function: str, *arguments: Any) -> Change:
    """Call a function for the app's environment."""
    return lambda db, endpoint: db.call(function, endpoint.environment.id, *arguments)


def deploys(**members: Any) -> Change:
    """Deploy the job with other members."""
    return lambda db, endpoint: index(db, endpoint, job(**members))


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        (calls("pause_job", "greet"), calls("resume_job", "greet")),
        (calls("pause_environment"), calls("resume_environment")),
        (lambda db, _: db.call("pause_everything"), lambda db, _: db.call("resume_everything")),
        (calls("set_concurrency_limit", 1), calls("set_concurrency_limit", None)),
        (calls("set_job_concurrency_limit", "greet", 1), calls("set_job_concurrency_limit", "greet", None)),
        (deploys(concurrencyLimit=1), deploys()),
        (deploys(enabled=False), deploys()),
        (deploys(event="leave"), deploys()),
        (deploys(preprocessRuns=True), deploys()),
        (deploys(rule={"payload": {"n": [2]}}), deploys()),
        (lambda db, endpoint: index(db, endpoint), deploys()),
    ],
    ids=[
        "job paused", "environment paused", "everything paused", "environment limited", "job limited",
        "limited by its code", "disabled", "another event", "preprocessed", "filtered", "gone",
    ],
)  # fmt: skip
def test_what_stops_runs_and_what_lets_them_go_on_holds_for_the_next_event(
    db: Database, builders: Builders, stop: Change, go_on: Change
) -> None:
    endpoint = builders.endpoint()
    assert len(send(db, endpoint.environment)) == 1
    stop(db, endpoint)
    assert db.call("doctor") == []
    send(db, endpoint.environment)  # a limit of one is reached by now
    assert send(db, endpoint.environment) == []
    go_on(db, endpoint)
    assert db.call("doctor") == []
    db.call("claim_runs", "elsewhere", 10)  # those that waited
    assert len(send(db, endpoint.environment)) == 1


def test_new_runs_are_of_the_version_deployed_last(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    index(db, endpoint, job(version="2.0.0"))
    (claim,) = send(db, endpoint.environment)
    assert body_of(claim)["job"] == {"id": "greet", "version": "2.0.0"}
    index(db, endpoint, job(version="2.0.0", timeoutInSeconds=5))
    (claim,) = send(db, endpoint.environment)
    assert run_row(db, claim.run_id).timeout_at is not None


def test_an_app_that_moves_to_a_connection_is_called_there(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(slug="mine")
    db.call("connect_endpoint", endpoint.environment.id, "mine")
    assert send(db, endpoint.environment) == []
    rows = db.call(
        "send_and_claim", endpoint.environment.id, [GREETING], {}, "here", 10, MARGIN, [endpoint.id]
    )
    assert len([row for row in rows if row.run_id]) == 2
    db.call("register_endpoint", endpoint.environment.id, "mine", "http://127.0.0.1:7/", 9000)
    (claim,) = send(db, endpoint.environment)
    assert (claim.url, claim.timeout_ms) == ("http://127.0.0.1:7/", 9000)


@pytest.mark.parametrize(
    "rule", [{"payload": {"n": [1, 3]}}, {"context": {"by": ["ann"]}}, {"payload": {"n": [1]}, "context": {}}]
)
def test_filters_hold_as_for_events_that_pass_through_the_queue(
    db: Database, builders: Builders, rule: Any
) -> None:
    endpoint = builders.endpoint(job(rule=rule))
    events = [
        {**GREETING, "payload": json.loads(payload), "context": {"by": by}}
        for payload in ('{"n": 1}', '{"n": 2}', '{"n": 3}', '{"n": "\\u0000"}', "[]")
        for by in ("ann", "bob", "\x00")
    ]
    db.call("send_events", endpoint.environment.id, events)
    waited = [told(claim) for claim in db.call("claim_runs", "here", 100)]
    begun = [told(claim) for claim in send(db, endpoint.environment, *events, limit=100)]
    assert begun == waited != []
    assert len(begun) < len(events)


def told(claim: Any) -> Any:
    """What an event says."""
    return body_of(claim)["event"]["payload"], body_of(claim)["event"]["context"]


def test_all_runs_of_an_event_begin_or_none(db: Database, builders: Builders) -> None:
    """Those that find no slot together wait together, and the first of them are claimed from the queue."""
    endpoint = builders.endpoint(job("a"), job("b"), job("c"))
    claims = send(db, endpoint.environment, GREETING, {**GREETING, "payload": {"n": 2}}, limit=5)
    assert [body_of(claim)["event"]["payload"]["n"] for claim in claims] == [1, 1, 1, 2, 2]
    assert {body_of(claim)["job"]["id"] for claim in claims[:3]} == {"a", "b", "c"}
    assert len(queued(db)) == 1
    assert len(db.call("claim_runs", "elsewhere", 10)) == 1
    assert db.call("doctor") == []


def test_a_deployment_that_waits_for_a_pause_keeps_it(
    db: Database, other: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    db.execute("begin")
    db.call("pause_job", endpoint.environment.id, "greet")
    blocked_until(db, "commit", (other, lambda: index(other, endpoint, job(version="2.0.0"))))
    assert (send(db, endpoint.environment), db.call("doctor")) == ([], [])
    db.call("resume_job", endpoint.environment.id, "greet")
    (claim,) = db.call("claim_runs", "elsewhere", 10)
    assert body_of(claim)["job"]["version"] == "2.0.0"


def test_a_pause_that_waits_for_a_deployment_stops_what_is_new(
    db: Database, other: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    db.execute("begin")
    index(db, endpoint, job(version="2.0.0"), job("new"))
    blocked_until(db, "commit", (other, lambda: other.call("pause_environment", endpoint.environment.id)))
    assert (send(db, endpoint.environment), db.call("doctor")) == ([], [])


def test_a_pause_of_everything_waits_for_an_environment_that_is_being_made(
    db: Database, other: Database, builders: Builders
) -> None:
    db.execute("begin")
    endpoint = builders.endpoint()
    blocked_until(db, "commit", (other, lambda: other.call("pause_everything")))
    assert (send(db, endpoint.environment), db.call("doctor")) == ([], [])


def test_a_deployment_whose_snapshot_is_older_than_a_pause_is_refused(
    db: Database, other: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    other.execute("begin isolation level repeatable read")
    other.rows("select from perdure.environments")
    db.call("pause_environment", endpoint.environment.id)
    with pytest.raises(psycopg.errors.SerializationFailure):
        index(other, endpoint, job(version="2.0.0"))
    other.execute("rollback")
    assert (send(db, endpoint.environment), db.call("doctor")) == ([], [])
