"""Calls about what starts runs: events, sources, HTTP endpoints, dynamic triggers, schedules."""

import json

import pytest

from perdure_engine import (
    deliveries,
    dynamic_triggers,
    environments,
    events,
    http_endpoints,
    schedules,
    sources,
    webhooks,
)
from perdure_engine.errors import InvalidArgument, NotFound
from tests.engine.calls.conftest import SOURCE, Pools, nothing, read
from tests.support.builders import Builders, Endpoint, job
from tests.support.database import Database


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
