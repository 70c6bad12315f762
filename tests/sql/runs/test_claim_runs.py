"""Claims: what is ready, under a lease, with everything that EXECUTE_JOB needs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import leased, queued, run_row
from tests.support.builders import Builders, Environment, job, manifest, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def test_a_claim_brings_the_whole_request(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.environment()
    endpoint = builders.endpoint(job("greet", version="1.2.3"), environment=environment, timeout_ms=20_000)
    event = {"id": "e-1", "name": "greet", "payload": {"n": [1, None]}, "context": {"c": 1}, "isTest": True}
    (sent,) = db.call("send_events", environment.id, [event])
    before = clock.now()
    (claim,) = builders.claims(dispatcher="worker-1")

    assert (claim.lease_number, claim.url, claim.timeout_ms) == (1, endpoint.url, 20_000)
    assert claim.signing_secrets == db.call("get_signing_secrets", environment.id)
    body = dict(claim.body)
    assert body.pop("event") == sent
    assert (sent["payload"], sent["context"]) == ({"n": [1, None]}, {"c": 1})
    started_at = body["run"].pop("startedAt")
    assert started_at >= before.strftime("%Y-%m-%dT%H:%M:%S")
    organization, project = body.pop("organization"), body.pop("project")
    assert {k: v for k, v in organization.items() if k != "id"} == {"slug": "acme", "title": "acme"}
    assert (project["slug"], project["name"]) == (environment.project, environment.project)
    assert body == {
        "job": {"id": "greet", "version": "1.2.3"},
        "run": {"id": claim.run_id, "isTest": True, "isRetry": False},
        "environment": {"id": environment.id, "slug": "dev", "type": "DEVELOPMENT"},
        "tasks": [],
        "yieldedExecutions": [],
        "runChunkExecutionLimit": 20_000 - 350,
        "perdure": {"leaseNumber": 1},
    }

    run = run_row(db, claim.run_id)
    assert (run.status, run.lease_number, run.dispatcher) == ("EXECUTING", 1, "worker-1")
    assert before <= run.started_at <= clock.now()
    (lease,) = db.rows("select * from perdure.leases")
    assert (lease.run_id, lease.lease_number) == (claim.run_id, 1)
    assert lease.expires_at - lease.claimed_at == timedelta(seconds=20 + 10)
    assert queued(db) == []


def test_the_margin_of_the_lease_is_the_callers(db: Database, builders: Builders) -> None:
    builders.run()
    db.call("claim_runs", "worker-1", 1, timedelta(seconds=3))
    (lease,) = db.rows("select * from perdure.leases")
    assert lease.expires_at - lease.claimed_at == timedelta(seconds=60 + 3)


def test_a_short_timeout_still_lets_the_sdk_work(builders: Builders) -> None:
    claim = builders.claim(builders.run(builders.endpoint(timeout_ms=1000)))
    assert claim.body["runChunkExecutionLimit"] == 10_000 - 350


def test_the_oldest_come_first_and_no_more_than_asked_for(db: Database, builders: Builders) -> None:
    runs = builders.runs(5)
    first = [claim.run_id for claim in builders.claims(2)]
    second = [claim.run_id for claim in builders.claims(2)]
    third = [claim.run_id for claim in builders.claims(2)]
    assert [sorted(first), sorted(second), third] == [
        sorted(run.id for run in runs[:2]),
        sorted(run.id for run in runs[2:4]),
        [runs[4].id],
    ]
    assert builders.claims() == []


def test_the_limit_must_be_in_range(db: Database, builders: Builders) -> None:
    builders.run()
    for limit in (None, 0, -1, 1001):
        with refused("JQ010", "p_limit", "1..1000"):
            db.call("claim_runs", "worker-1", limit)
    assert len(queued(db)) == 1


def test_a_run_is_executed_once_at_a_time_whatever_is_in_the_queue(db: Database, builders: Builders) -> None:
    run = builders.run()
    for _ in range(3):
        db.execute("select perdure._enqueue_runs(array[%s::uuid])", run.id)
    (claim,) = builders.claims(2)
    assert (claim.run_id, builders.claims(), queued(db)) == (run.id, [], [])


@pytest.mark.parametrize("message", ['{"run_id": "none"}', '{"other": 1}', '{"run_id": null}', "{}"])
def test_a_message_without_a_run_does_not_stop_the_queue(
    db: Database, builders: Builders, message: str
) -> None:
    db.execute("select pgmq.send('perdure_ready_runs', %s)", message)
    run = builders.run()
    assert [claim.run_id for claim in builders.claims()] == [run.id]
    assert queued(db) == []


def test_a_run_whose_turn_has_not_come_is_not_claimed(db: Database, builders: Builders) -> None:
    """Messages of a run that waits, or has ended, are passed over."""
    builders.runs(3)
    ended, waits, backs_off = builders.claims()
    ended.reply("SUCCESS")
    waits.reply("RESUME_WITH_TASK", task=task("wait", delaySeconds=60))
    backs_off.reply("AUTO_YIELD_RATE_LIMIT", reset=4_000_000_000_000)
    ids = [claim.run_id for claim in (ended, waits, backs_off)]
    db.execute("select perdure._enqueue_runs(%s::uuid[])", ids)
    assert (builders.claims(), leased(db), queued(db)) == ([], [], [])


def test_a_run_of_a_disabled_version_is_aborted(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet"), job("other", event="other"))
    run = builders.run(endpoint)
    executing = builders.claim(run)
    executing.store(task("open"))
    executing.reply("YIELD_EXECUTION", key="a")
    other = builders.run(endpoint, event="other")
    db.call("index_endpoint", endpoint.id, manifest(job("other", event="other")))
    assert [claim.run_id for claim in builders.claims()] == [other.id]
    row = run_row(db, run.id)
    assert (row.status, row.output) == ("ABORTED", {"message": "Version 1.0.0 of this job is disabled"})
    assert run.read()["tasks"][0]["status"] == "ERRORED"
    assert (leased(db), queued(db)) == ([other.id], [])


def test_claims_sign_with_every_key_in_force(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    environment = make_environment()
    endpoint = builders.endpoint(environment=environment)
    db.call("create_api_key", environment.id)
    db.call("create_api_key", environment.id, "PUBLIC")
    assert len(builders.claim(builders.run(endpoint)).signing_secrets) == 2
    db.call("revoke_api_key", environment.key)
    assert len(builders.claim(builders.run(endpoint)).signing_secrets) == 1


SDKS = [
    ("perdure", [("running", "RUNNING"), ("log", "COMPLETED"), ("done", "COMPLETED"), ("failed", "ERRORED")]),
    ("trigger", [("done", "COMPLETED")]),
]


@pytest.mark.parametrize(("sdk", "known"), SDKS)
def test_each_sdk_is_told_of_the_tasks_that_it_must_know(
    builders: Builders, sdk: str, known: list[tuple[str, str]]
) -> None:
    endpoint = builders.endpoint(sdk={"name": sdk, "version": "1"})
    claim = builders.claim(builders.run(endpoint))
    claim.store(
        task("running"),
        task("log", noop=True),
        task("done", status="COMPLETED", output={"a": None}),
        task("failed", status="ERRORED", error={"message": "no"}),
    )
    claim.reply("YIELD_EXECUTION", key="a")
    (claim,) = builders.claims()
    keys = {task(key)["idempotencyKey"]: key for key in ("running", "log", "done", "failed")}
    assert [(keys[t["idempotencyKey"]], t["status"]) for t in claim.body["tasks"]] == known
    outputs = {keys[t["idempotencyKey"]]: t.get("output", "absent") for t in claim.body["tasks"]}
    assert outputs["done"] == {"a": None}
    if sdk == "perdure":
        assert (outputs["failed"], outputs["log"], outputs["running"]) == (
            {"message": "no"},
            "absent",
            "absent",
        )


def test_tasks_that_do_not_fit_are_read_from_the_cursor_on(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    environment_id = claim.body["environment"]["id"]
    claim.store(*(task(f"task-{n}", status="COMPLETED", output="x" * 1_000_000) for n in range(6)))
    claim.reply("YIELD_EXECUTION", key="a")
    (claim,) = builders.claims()
    keys = [t["idempotencyKey"] for t in claim.body["tasks"]]
    assert len(keys) == 3
    cursor: Any = claim.body["cachedTaskCursor"]
    pages = 0
    while cursor is not None:
        page = db.call("get_cached_tasks", environment_id, claim.run_id, cursor)
        keys += [t["idempotencyKey"] for t in page["tasks"]]
        cursor = page.get("cursor")
        pages += 1
    assert (keys, pages) == ([task(f"task-{n}")["idempotencyKey"] for n in range(6)], 3)


def test_a_claim_without_a_dispatcher_takes_nothing(db: Database, builders: Builders) -> None:
    run = builders.run()
    with refused("JQ010", "p_dispatcher"):
        db.call("claim_runs", None, 1)
    assert queued(db) == [run.id]
