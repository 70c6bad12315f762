"""Calls about runs: from the claim to the end, again, by a job; and their statuses."""

import json

import pytest

from perdure_engine import jobs, runs, statuses, tasks
from perdure_engine.errors import AlreadyFinished, InvalidArgument, NotFound, WrongState
from tests.engine.calls.conftest import Pools, nothing, read
from tests.support.builders import Builders, Endpoint, task


async def test_runs_from_claim_to_end(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    run = builders.run(endpoint, payload={"who": "you"})
    async with pools.dispatcher.connection() as conn:
        # The registration of the source is a run of an internal job only when the app has one: there is none.
        (claimed,) = await runs.claim_runs(conn, "test", 5)
        assert (claimed.run_id, claimed.endpoint_id) == (run.id, endpoint.id)
        assert (claimed.url, claimed.timeout_ms) == (endpoint.url, 60_000)
        assert [len(secret) for secret in claimed.signing_secrets] == [32]
        assert (claimed.sealed_api_key, claimed.sealed_connections) == (None, None)
        assert read(claimed.body)["event"]["payload"] == {"who": "you"}
        assert await runs.claim_runs(conn, "test", 5) == []
        result = {
            "runId": run.id,
            "leaseNumber": claimed.lease_number,
            "verdict": "REPLY",
            "durationMs": 3,
            "httpStatus": 200,
            "reply": {"status": "SUCCESS", "output": 7},
        }
        late = {**result, "runId": nothing()}
        outcomes = await runs.apply_results(conn, [json.dumps(r).encode() for r in (result, late)])
        assert {o.run_id: o.outcome for o in outcomes} == {run.id: "SUCCESS", late["runId"]: "LEASE_LOST"}
        assert await runs.apply_results(conn, []) == []
    async with pools.server.connection() as conn:
        shown = read(
            await runs.get_run(
                conn, endpoint.environment.id, run.id, subtasks=True, task_details=True, take=5
            )
        )
        assert (shown["status"], shown["output"]) == ("SUCCESS", 7)
        page = read(
            await runs.list_runs(conn, endpoint.environment.id, status="SUCCESS", job="greet", take=5)
        )
        assert [listed["id"] for listed in page["runs"]] == [run.id]
        change = b'{"addTags": ["vip"], "metadata": {"n": 1}}'
        described = read(await runs.set_run_metadata(conn, endpoint.environment.id, run.id, change))
        assert described == {"tags": ["vip"], "metadata": {"n": 1}}
        for tags, found in ((["vip"], [run.id]), (["vip", "other"], [])):
            page = read(await runs.list_runs(conn, endpoint.environment.id, tags=tags))
            assert [listed["id"] for listed in page["runs"]] == found
        with pytest.raises(InvalidArgument):
            await runs.set_run_metadata(conn, endpoint.environment.id, run.id, b"[]")
        with pytest.raises(AlreadyFinished):
            await runs.cancel_run(conn, endpoint.environment.id, run.id)
        with pytest.raises(NotFound):
            await runs.cancel_run(conn, endpoint.environment.id, nothing())
        with pytest.raises(InvalidArgument):
            await runs.get_run(conn, endpoint.environment.id, "not an id")


async def test_a_run_can_be_cancelled(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    run = builders.run(endpoint)
    async with pools.server.connection() as conn:
        assert read(await runs.cancel_run(conn, endpoint.environment.id, run.id))["status"] == "CANCELED"


async def test_a_run_can_be_done_again_or_continued(
    pools: Pools, builders: Builders, endpoint: Endpoint
) -> None:
    run = builders.run(endpoint)
    async with pools.server.connection() as conn:
        with pytest.raises(WrongState):
            await runs.continue_run(conn, endpoint.environment.id, run.id)
        await runs.cancel_run(conn, endpoint.environment.id, run.id)
        assert read(await runs.continue_run(conn, endpoint.environment.id, run.id))["status"] == "QUEUED"
        assert read(await runs.rerun_run(conn, endpoint.environment.id, run.id))["id"] != run.id
        assert read(await runs.rerun_run(conn, endpoint.environment.id, run.id, b'{"n": 2}'))["id"] != run.id
        with pytest.raises(NotFound):
            await runs.rerun_run(conn, endpoint.environment.id, nothing())


async def test_a_run_is_mended(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    run = builders.run(endpoint)
    claim = builders.claim(run)
    (stored,) = claim.stored(task("pay", status="ERRORED", error={"message": "no"}))
    claim.reply("ERROR", error={"message": "no"})
    async with pools.server.connection() as conn:
        ids = (endpoint.environment.id, run.id, stored["id"])
        assert read(await runs.rerun_from_task(conn, *ids))["id"] != run.id
        assert read(await tasks.set_task_output(conn, *ids, b"[1.0]"))["output"] == [1.0]
        assert read(await tasks.set_task_output(conn, *ids, None))["status"] == "COMPLETED"
        for call in (runs.rerun_from_task(conn, *ids[:2], nothing()),
                     tasks.set_task_output(conn, *ids[:2], nothing(), b"1")):  # fmt: skip
            with pytest.raises(NotFound):
                await call


async def test_jobs(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        run = read(
            await jobs.invoke_job(
                conn, environment_id, "greet", b'{"n": 1.0}', b"[1]", b'{"accountId": "user-1"}', "order-1"
            )
        )
        assert read(await jobs.invoke_job(conn, environment_id, "greet", idempotency_key="order-1")) == run
        second = read(await jobs.invoke_job(conn, environment_id, "greet"))
        page = read(await jobs.list_job_runs(conn, environment_id, "greet", take=1))
        assert [listed["id"] for listed in page["runs"]] == [second["id"]]
        rest = read(await jobs.list_job_runs(conn, environment_id, "greet", page["nextCursor"], 5))
        assert [listed["id"] for listed in rest["runs"]] == [run["id"]]
        cancelled = read(await jobs.cancel_job_runs(conn, environment_id, "greet"))
        assert cancelled["cancelledRunIds"] == [run["id"], second["id"]]
        with pytest.raises(NotFound):
            await jobs.invoke_job(conn, environment_id, "none")
    async with pools.owner.connection() as conn:
        cursor = await conn.execute("select payload, context from perdure.events where event_id = 'order-1'")
        assert await cursor.fetchone() == (b'{"n": 1.0}', b"[1]")


async def test_statuses(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    run, environment_id = builders.run(endpoint), endpoint.environment.id
    async with pools.server.connection() as conn:
        record = read(await statuses.set_run_status(conn, environment_id, run.id, "a", b'{"label": "A"}'))
        assert record == {"key": "a", "label": "A", "history": []}
        shown = read(await statuses.get_run_statuses(conn, environment_id, run.id))
        assert shown == {"run": {"id": run.id, "status": "QUEUED"}, "statuses": [record]}
        with pytest.raises(InvalidArgument):
            await statuses.set_run_status(conn, environment_id, run.id, "a", b"[]")
