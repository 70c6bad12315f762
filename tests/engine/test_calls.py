"""Every typed call against the real functions: names, argument order, rows, and errors of ours."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

import perdure_engine
from perdure_engine import (
    connections,
    deliveries,
    dynamic_triggers,
    endpoints,
    environments,
    events,
    http_endpoints,
    jobs,
    maintenance,
    runs,
    schedules,
    sources,
    statuses,
    store,
    tasks,
    webhooks,
)
from perdure_engine.errors import (
    AlreadyFinished,
    InvalidArgument,
    LeaseLost,
    NotFound,
    PerdureError,
    WrongState,
)
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
        assert caller is not None
        assert caller == environments.Caller(
            environment_id, "SECRET", "prod", "PRODUCTION", "site", "acme", caller.api_key_id
        )
        await environments.keep_sealed_key(conn, caller.api_key_id, "sealed")
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
    environment = builders.environment()
    environment_id = environment.id
    async with pools.server.connection() as conn:
        caller = await environments.authenticate(conn, environment.key)
        assert caller is not None
        await environments.keep_sealed_key(conn, caller.api_key_id, "sealed")
        url = "http://app.test/api"
        made = read(
            await endpoints.register_endpoint(conn, environment_id, "app", url, 5000, caller.api_key_id)
        )
        access = await endpoints.get_endpoint_access(conn, environment_id, "app")
        assert (access.endpoint_id, access.url, access.sealed_api_key) == (made["id"], url, "sealed")
        assert [len(secret) for secret in access.signing_secrets] == [32]
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
        assert (claimed.sealed_api_key, claimed.sealed_connections) == (None, None)
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


async def test_store(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        assert not await store.has_store_item(conn, environment_id, "k")
        await store.set_store_item(conn, environment_id, "k", b'{"a":  1.0}')
        assert read(await store.get_store_item(conn, environment_id, "k"))["value"] == '{"a":  1.0}'
        assert await store.has_store_item(conn, environment_id, "k")
        assert read(await store.delete_store_item(conn, environment_id, "k"))["deleted"]
        with pytest.raises(InvalidArgument):
            await store.set_store_item(conn, environment_id, "k", b"<html>")


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
        assert (claimed.kind, claimed.action) == ("SOURCE_REQUEST", "DELIVER_HTTP_SOURCE_REQUEST")
        assert (claimed.method, read(claimed.headers or b"")["x-ts-http-method"]) == ("POST", "POST")
        assert (claimed.timeout_ms, claimed.sealed_api_key) == (60_000, None)
        assert [len(secret) for secret in claimed.signing_secrets or []] == [32]
        reply = {"events": [{"name": "greet", "id": "from-hook"}], "response": {"status": 200, "body": {}}}
        result = {
            "deliveryId": claimed.delivery_id,
            "leaseNumber": 1,
            "verdict": "REPLY",
            "httpStatus": 200,
            "body": json.dumps(reply),
        }
        (outcome,) = await deliveries.apply_delivery_results(conn, [json.dumps(result).encode()])
        assert outcome == deliveries.DeliveryOutcome(claimed.delivery_id, "DELIVERED")
    async with pools.server.connection() as conn:
        assert len(read(await events.get_event(conn, environment_id, "from-hook"))["runs"]) == 1


async def test_connections(pools: Pools, builders: Builders) -> None:
    slack = {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}
    environment_id = builders.endpoint(job(integrations={"slack": slack})).environment.id
    async with pools.server.connection() as conn:
        sealed = b'{"type": "oauth2", "sealedToken": "sealed"}'
        own = read(await connections.create_connection(conn, environment_id, None, "slack", sealed))
        theirs = read(await connections.create_connection(conn, environment_id, "anna", "slack", sealed))
        assert read(await connections.get_connection(conn, environment_id, "slack", theirs["id"])) == theirs
        auth = read(await connections.get_auth(conn, environment_id, "app", "slack"))
        assert (auth["type"], auth["sealedToken"]) == ("oauth2", "sealed")
        assert read(await connections.delete_connection(conn, environment_id, "slack", own["id"])) == own
        with pytest.raises(NotFound):
            await connections.get_auth(conn, environment_id, "app", "slack")
        with pytest.raises(InvalidArgument):
            await connections.create_connection(conn, environment_id, None, "slack", b"[]")


async def test_http_endpoints_and_webhooks(pools: Pools, db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://jobs.example")
    shop = {"id": "shop", "source": "shop.example", "immediateResponseFilter": {}}
    pay = {"key": "pay", "params": {}, "config": {}, "httpEndpoint": {"id": "pay"}}
    hooked = {"id": "pay", "source": "stripe.com"}
    environment_id = builders.endpoint(httpEndpoints=[shop, hooked], webhooks=[pay]).environment.id
    request = b'{"url": "https://jobs.example/x", "method": "POST", "headers": {}, "rawBody": "\\ufffd"}'
    async with pools.server.connection() as conn:
        listed = read(await http_endpoints.list_http_endpoints(conn, environment_id))
        assert [each["id"] for each in listed] == ["pay", "shop"]
        *_, pay_id, _, slug, shortcode = listed[0]["url"].split("/")
        shop_id = listed[1]["url"].split("/")[-4]
        asked = read(
            await http_endpoints.receive_http_endpoint_request(conn, shop_id, slug, shortcode, request)
        )
        assert (asked["outcome"], asked["key"], asked["endpoint"]) == ("ASK", "shop", "app")
        for http_endpoint_id, body, answered in ((pay_id, b"\xff", False), (shop_id, None, True)):
            taken = await http_endpoints.receive_http_endpoint_request(
                conn, http_endpoint_id, slug, shortcode, request, body, answered
            )
            assert read(taken) == {"outcome": "ACCEPTED"}
        update = b'{"active": true, "config": {}}'
        assert read(await webhooks.update_webhook(conn, environment_id, "pay", update))["key"] == "pay"
        with pytest.raises(NotFound):
            await webhooks.update_webhook(conn, environment_id, "none", update)
        with pytest.raises(NotFound):
            await http_endpoints.receive_http_endpoint_request(conn, nothing(), slug, shortcode, request)
    assert bytes(db.value("select body from perdure.deliveries")) == b"\xff"
    assert db.value("select count(*) from perdure.events where name = 'httpendpoint.shop'") == 1


async def test_dynamic_triggers(pools: Pools, db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://jobs.example")
    greet = job(trigger={"type": "dynamic", "id": "repo"})
    environment_id = builders.endpoint(greet, dynamicTriggers=[{"id": "repo", "jobs": []}]).environment.id
    body = json.dumps({"rule": {"event": "push", "source": "github.com"}, "source": SOURCE}).encode()
    async with pools.server.connection() as conn:
        registered = read(
            await dynamic_triggers.register_dynamic_trigger(
                conn, environment_id, "repo", "one", body, "ask-1"
            )
        )
        assert registered["source"]["key"].endswith(":one:github.acme.site")
        await events.get_event(conn, environment_id, "ask-1")
        with pytest.raises(NotFound):
            await dynamic_triggers.register_dynamic_trigger(conn, environment_id, "other", "one", body)
        with pytest.raises(InvalidArgument):
            await dynamic_triggers.register_dynamic_trigger(conn, environment_id, "repo", "one", b"{}")


async def test_schedules(pools: Pools, builders: Builders) -> None:
    report = job(trigger={"type": "dynamic", "id": "tenants"})
    environment_id = builders.endpoint(
        report, dynamicSchedules=[{"id": "tenants", "jobs": []}]
    ).environment.id
    body = b'{"id": "one", "type": "interval", "options": {"seconds": 60}}'
    async with pools.server.connection() as conn:
        registered = read(await schedules.register_schedule(conn, environment_id, "tenants", body))
        assert (registered["id"], registered["active"]) == ("one", True)
        with pytest.raises(NotFound):
            await schedules.register_schedule(conn, environment_id, "other", body)
        with pytest.raises(InvalidArgument):
            await schedules.register_schedule(conn, environment_id, "tenants", b"{}")
    async with pools.owner.connection() as conn:
        assert await environments.set_schedules_enabled(conn, environment_id, True) == 1
        with pytest.raises(NotFound):
            await environments.set_schedules_enabled(conn, nothing(), True)
    async with pools.server.connection() as conn:
        ended = await schedules.unregister_schedule(conn, environment_id, "tenants", "one")
        assert read(ended) == {"ok": True}
        with pytest.raises(NotFound):
            await schedules.unregister_schedule(conn, environment_id, "other", "one")


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
            await maintenance.promote_due(conn)


async def test_a_call_takes_part_in_a_transaction(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        async with conn.transaction(force_rollback=True):
            await events.send_event(conn, environment_id, "greet", event_id="undone")
        with pytest.raises(NotFound):
            await events.get_event(conn, environment_id, "undone")


def test_every_call_names_a_function_with_these_arguments(db: Database) -> None:
    """The arguments of each call are those of the function that it is named after, in the same order.

    What reads views has no such function.
    """
    checked = 0
    for _finder, module_name, _is_package in pkgutil.iter_modules(perdure_engine.__path__):
        if module_name.startswith("_"):
            continue
        module = importlib.import_module(f"perdure_engine.{module_name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            database, *arguments = inspect.signature(function).parameters or [""]
            if database not in ("conn", "db"):
                continue
            found = db.rows(
                "select proargnames[1:pronargs] as names from pg_proc"
                " where pronamespace = 'perdure'::regnamespace and proname = %s",
                name,
            )
            if not found or "perdure_views." in inspect.getsource(function):
                assert "perdure_views." in inspect.getsource(module), name
                continue
            given = [f"p_{argument}" for argument in arguments]
            assert given == (found[0].names or []), name
            checked += 1
    assert checked > 130
