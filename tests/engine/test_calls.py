"""Every typed call against the real functions: names, argument order, rows, and errors of ours."""

import inspect
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from perdure_engine import (
    deliveries,
    endpoints,
    environments,
    events,
    maintenance,
    runs,
    sources,
    tasks,
)
from perdure_engine.errors import AlreadyFinished, InvalidArgument, LeaseLost, NotFound, PerdureError
from perdure_engine.pool import Pool, open_pool
from tests.support.builders import Builders, Endpoint, job, manifest, task
from tests.support.database import Database

SOURCE = {
    "version": "2",
    "channel": "HTTP",
    "integration": {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"},
    "key": "github.acme.site",
    "params": {"repo": "site"},
    "options": {"event": ["issues"]},
}


@dataclass
class Pools:
    """A pool for each role that calls functions."""

    server: Pool
    dispatcher: Pool
    owner: Pool


@pytest.fixture
async def pools(db_url: str) -> AsyncIterator[Pools]:
    server, dispatcher, owner = [
        await open_pool(db_url, role=role, application_name="test calls")
        for role in ("perdure_server", "perdure_dispatcher", "perdure_owner")
    ]
    async with server, dispatcher, owner:
        yield Pools(server, dispatcher, owner)


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    return builders.endpoint(job(), sources=[SOURCE])


def read(document: bytes) -> Any:
    assert isinstance(document, bytes)
    return json.loads(document)


def nothing() -> str:
    """An id of nothing."""
    return str(uuid4())


async def test_environments(pools: Pools, db: Database) -> None:
    async with pools.owner.connection() as conn:
        project_id = await environments.create_project(conn, "acme", "site", "Site")
        assert await environments.create_project(conn, "acme", "site") == project_id
        environment_id = await environments.get_environment(conn, "site", "prod")
        key = await environments.create_api_key(conn, environment_id)
        public = await environments.create_api_key(conn, environment_id, "PUBLIC")
        await environments.set_setting(conn, "public_url", "https://jobs.example")
    assert db.value("select value from perdure.settings where name = 'public_url'") == "https://jobs.example"
    async with pools.server.connection() as conn:
        caller = await environments.authenticate(conn, key)
        assert caller == environments.Caller(environment_id, "SECRET", "prod", "PRODUCTION", "site", "acme")
        assert (await environments.authenticate(conn, public) or caller).kind == "PUBLIC"
        assert await environments.authenticate(conn, "tr_dev_unknown") is None
        assert [len(secret) for secret in await environments.get_signing_secrets(conn, environment_id)] == [
            32
        ]
    async with pools.owner.connection() as conn:
        assert await environments.revoke_api_key(conn, key)
        assert not await environments.revoke_api_key(conn, key)
        with pytest.raises(NotFound):
            await environments.get_environment(conn, "site", "moon")


async def test_endpoints(pools: Pools, builders: Builders) -> None:
    environment_id = builders.environment().id
    async with pools.server.connection() as conn:
        made = read(
            await endpoints.register_endpoint(conn, environment_id, "app", "http://app.test/api", 5000)
        )
        assert read(await endpoints.get_endpoint(conn, environment_id, "app"))["id"] == made["id"]
        assert [e["slug"] for e in read(await endpoints.list_endpoints(conn, environment_id))] == ["app"]
        answer = json.dumps(manifest(job())).encode()
        index = read(await endpoints.index_endpoint(conn, made["id"], answer, b'{"name": "perdure"}'))
        assert index["stats"]["jobs"] == 1
        failed = read(await endpoints.record_index_failure(conn, made["id"], "it answered HTML"))
        assert read(await endpoints.get_index(conn, environment_id, failed["id"]))["status"] == "FAILURE"
        with pytest.raises(NotFound):
            await endpoints.get_endpoint(conn, environment_id, "other")
        with pytest.raises(InvalidArgument):
            await endpoints.index_endpoint(conn, made["id"], b'{"jobs": 5}')
        with pytest.raises(InvalidArgument, match="json"):
            await endpoints.index_endpoint(conn, made["id"], b"<html>")


async def test_events(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        raw = b'[{"name": "greet", "id": "a", "payload": {"n": 1.0}}, {"name": "other", "id": "b"}]'
        sent = [read(event) for event in await events.send_events(conn, environment_id, raw)]
        assert [(event["id"], event["payload"]) for event in sent] == [("a", {"n": 1.0}), ("b", {})]
        one = read(await events.send_event(conn, environment_id, "greet", b'{"n": 2}', "c"))
        assert (one["id"], one["payload"]) == ("c", {"n": 2})
        assert len(read(await events.get_event(conn, environment_id, "a"))["runs"]) == 1
        assert len(read(await events.cancel_event_runs(conn, environment_id, "a"))["cancelledRunIds"]) == 1
        await events.send_events(
            conn, environment_id, b'[{"name": "greet", "id": "d"}]', b'{"deliverAfter": 60}'
        )
        assert read(await events.cancel_event(conn, environment_id, "d"))["cancelledAt"]
        with pytest.raises(NotFound):
            await events.get_event(conn, environment_id, "z")
        with pytest.raises(InvalidArgument, match=r"p_events\[0\]\.name"):
            await events.send_events(conn, environment_id, b"[{}]")


async def test_runs_from_claim_to_end(pools: Pools, builders: Builders, endpoint: Endpoint) -> None:
    run = builders.run(endpoint, payload={"who": "you"})
    async with pools.dispatcher.connection() as conn:
        # The registration of the source is a run of an internal job only when the app has one: there is none.
        (claimed,) = await runs.claim_runs(conn, "test", 5)
        assert (claimed.run_id, claimed.lease_number, claimed.endpoint_id) == (run.id, 1, endpoint.id)
        assert (claimed.url, claimed.timeout_ms) == (endpoint.url, 60_000)
        assert [len(secret) for secret in claimed.signing_secrets] == [32]
        assert read(claimed.body)["event"]["payload"] == {"who": "you"}
        assert await runs.claim_runs(conn, "test", 5) == []
        result = {"runId": run.id, "leaseNumber": 1, "verdict": "REPLY", "durationMs": 3, "httpStatus": 200}
        result["reply"] = {"status": "SUCCESS", "output": 7}
        late = {**result, "leaseNumber": 9, "runId": nothing()}
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


async def test_sources_and_deliveries(pools: Pools, db: Database, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    source_id = db.value("select id from perdure.sources")
    update = json.dumps({"key": SOURCE["key"], "options": SOURCE["options"], "data": {"hook": 1}}).encode()
    async with pools.server.connection() as conn:
        updated = read(await sources.update_source(conn, environment_id, str(SOURCE["key"]), update))
        assert updated["key"] == SOURCE["key"]
        body = b"\x00\xff raw"
        receipt = read(
            await sources.receive_source_request(
                conn, source_id, "http://here/x", "POST", b'{"x-event": "issues"}', body
            )
        )
        assert receipt["accepted"]
        with pytest.raises(NotFound):
            await sources.receive_source_request(conn, nothing(), "http://here/x", "POST", b"{}", b"")
    async with pools.dispatcher.connection() as conn:
        (claimed,) = await deliveries.claim_deliveries(conn, "test", 5)
        assert (claimed.delivery_id, claimed.lease_number, claimed.url) == (receipt["id"], 1, endpoint.url)
        assert claimed.body == body
        assert read(claimed.headers)["x-ts-http-method"] == "POST"
        assert (claimed.timeout_ms, [len(secret) for secret in claimed.signing_secrets]) == (60_000, [32])
        reply = {"events": [{"name": "greet", "id": "from-hook"}], "response": {"status": 200, "body": {}}}
        result = {"deliveryId": claimed.delivery_id, "leaseNumber": 1, "ok": True, "reply": reply}
        (outcome,) = await deliveries.apply_delivery_results(conn, [json.dumps(result).encode()])
        assert outcome == deliveries.DeliveryOutcome(claimed.delivery_id, "DELIVERED")
    async with pools.server.connection() as conn:
        assert len(read(await events.get_event(conn, environment_id, "from-hook"))["runs"]) == 1


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


async def test_calls_of_a_role_are_limited_to_its_rights(pools: Pools) -> None:
    async with pools.server.connection() as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await runs.claim_runs(conn, "test", 1)


async def test_a_call_takes_part_in_a_transaction(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        async with conn.transaction(force_rollback=True):
            await events.send_event(conn, environment_id, "greet", event_id="undone")
        with pytest.raises(NotFound):
            await events.get_event(conn, environment_id, "undone")


def test_every_call_names_a_function_with_these_arguments(db: Database) -> None:
    """The arguments of each call are those of the function that it is named after, in the same order."""
    modules = (deliveries, endpoints, environments, events, maintenance, runs, sources, tasks)
    checked = 0
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            (wanted,) = db.rows(
                "select proargnames[1:pronargs] as names from pg_proc"
                " where pronamespace = 'perdure'::regnamespace and proname = %s",
                name,
            )
            given = [
                f"p_{argument}" for argument in inspect.signature(function).parameters if argument != "conn"
            ]
            assert given == (wanted.names or []), name
            checked += 1
    assert checked == 33
