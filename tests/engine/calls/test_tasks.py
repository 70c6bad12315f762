"""Calls about tasks, what they wait for, and the look for what is due."""

import json

import pytest

from perdure_engine import events, maintenance, tasks
from perdure_engine.errors import LeaseLost, NotFound, PerdureError
from tests.engine.calls.conftest import Pools, nothing, read
from tests.support.builders import Builders, Endpoint, task
from tests.support.database import Database


async def test_tasks_each_succeed_or_fail_alone(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    claim = builders.claim(builders.run(endpoint))
    call = {
        "environmentId": endpoint.environment.id,
        "runId": claim.run_id,
        "leaseNumber": claim.lease_number,
    }
    calls = [
        {**call, "task": task("one", status="COMPLETED", output={"n": 1})},
        {**call, "task": task("two"), "leaseNumber": 99},
        {**call, "task": task("three")},
        {**call, "task": task("four"), "runId": nothing()},
    ]
    async with pools.server.connection() as conn:
        outcomes = await tasks.upsert_tasks(conn, [json.dumps(c).encode() for c in calls])
        assert [type(outcome.result) for outcome in outcomes] == [bytes, LeaseLost, bytes, NotFound]
        three = read(outcomes[2].response or b"")
        finish = {**call, "taskId": three["id"], "status": "ERRORED", "error": {"message": "no"}}
        (finished,) = await tasks.finish_tasks(conn, [json.dumps(finish).encode()])
        assert read(finished.response or b"")["status"] == "ERRORED"
        cached = read(await tasks.get_cached_tasks(conn, endpoint.environment.id, claim.run_id, three["id"]))
        assert {cached_task["id"] for cached_task in cached["tasks"]} <= {three["id"]}


def test_an_outcome_without_anything_is_an_error() -> None:
    assert isinstance(tasks.TaskOutcome(1, None, None, None).result, PerdureError)


async def test_waiting_for_events_and_callbacks(
    pools: Pools, db: Database, builders: Builders, endpoint: Endpoint
) -> None:
    claim = builders.claim(builders.run(endpoint))
    (stored,) = claim.stored(task("one", callback={"enabled": True}))
    task_id, secret = stored["callbackUrl"].split("/")[-3::2]
    async with pools.server.connection() as conn:
        body = json.dumps({"url": stored["callbackUrl"], "name": "paid"}).encode()
        made = read(await events.register_ephemeral_dispatcher(conn, endpoint.environment.id, body))
        assert db.value("select id from perdure.event_dispatchers where url is not null") == made["id"]
        with pytest.raises(NotFound):
            await tasks.complete_callback(conn, task_id, "0" * 24, b"1")
        assert read(await tasks.complete_callback(conn, task_id, secret, None)) == {"success": True}
        assert read(await tasks.complete_callback(conn, task_id, secret, b"1")) == {"success": True}
    (row,) = db.rows("select status, output from perdure.tasks where id = %s", task_id)
    assert (row.status, row.output) == ("COMPLETED", None)


async def test_maintenance(pools: Pools, db: Database, builders: Builders, endpoint: Endpoint) -> None:
    async with pools.dispatcher.connection() as conn:
        assert await maintenance.promote_due(conn) == maintenance.Promotion(0, 0, 0, None)
    run = builders.run(endpoint)
    builders.claim(run).reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=3600))
    async with pools.dispatcher.connection() as conn:
        promotion = await maintenance.promote_due(conn, 10)
        assert 0 < (promotion.next_due_ms or 0) <= 3_600_000
    async with pools.owner.connection() as conn:
        assert await maintenance.doctor(conn) == []
        db.execute("update perdure.runs set due_at = null where id = %s", run.id)
        db.execute("update perdure.tasks set due_at = null where run_id = %s", run.id)
        (finding,) = await maintenance.doctor(conn)
        assert finding.subject == run.id
        assert finding.fix
