import json
import logging
from typing import Any

import httpx
import pytest

from perdure.wire.signing import derive_signing_secret, verify
from perdure_engine.sealing import SecretBox, new_secret_key
from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of, serving
from tests.support.builders import Builders, job
from tests.support.fix_endpoint import Answer, ScriptedEndpoint

ACTION = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"
UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


def add(server: Server, url: str = "http://127.0.0.1:9/api/trigger", **members: Any) -> str:
    """Give an app an HTTP endpoint ``shop``, with a job that listens; returns its path."""
    server.builders.db.call("set_setting", "public_url", "https://jobs.example.com")
    shop = {"id": "shop", "version": "1", "enabled": True, "source": "shop.example", **members}
    server.builders.endpoint(
        job("order", event="httpendpoint.shop", rule={"source": "shop.example"}),
        environment=server.endpoint.environment,
        slug="shop",
        url=url,
        httpEndpoints=[shop],
    )
    (listed,) = server.builders.db.call("list_http_endpoints", server.environment_id)
    path: str = listed["url"].removeprefix("https://jobs.example.com")
    return path


def events(builders: Builders) -> list[Any]:
    query = "select event_id, payload from perdure.events where name = 'httpendpoint.shop' order by id"
    return builders.db.rows(query)


async def test_they_are_listed_by_the_apps_name(server):
    path = add(server)
    response = await server.client.get("/api/v1/http-endpoints")
    assert response.json() == [{"id": "shop", "url": f"https://jobs.example.com{path}"}]
    listed = await server.client.get("/api/v1/http-endpoints", headers=server.as_foreigner)
    assert listed.json() == []
    error_of(
        await server.client.get("/api/v1/http-endpoints", headers=server.as_public), 403, "PUBLIC_KEY_REFUSED"
    )


async def test_listing_them_wants_a_public_url(server, builders):
    add(server)
    builders.db.execute("delete from perdure.settings")
    assert "public URL" in error_of(await server.client.get("/api/v1/http-endpoints"), 409, "JQ002")


async def test_any_request_starts_the_jobs_and_gets_an_empty_answer(server, builders):
    path = add(server)
    del server.client.headers["authorization"]
    methods = ["POST", "PUT", "GET", "DELETE", "PATCH", "OPTIONS", "HEAD"]
    for method in methods:
        response = await server.client.request(
            method,
            f"{path}?a=%20b",
            content="körper",
            headers=[("X-Shop", "1"), ("x-twice", "1"), ("x-twice", "2"), ("cookie", "session=s3cret")],
        )
        assert (response.status_code, response.content) == (200, b"")
    claims = sorted(builders.claims(), key=lambda claim: claim.run_id)
    assert [claim.body["event"]["payload"]["method"] for claim in claims] == methods
    payload = claims[0].body["event"]["payload"]
    assert set(payload) == {"url", "method", "headers", "rawBody"}
    assert payload["url"] == f"http://server.test{path}?a=%20b"
    assert (payload["headers"]["x-shop"], payload["headers"]["x-twice"]) == ("1", "1, 2")
    assert "cookie" not in payload["headers"]
    assert payload["rawBody"] == "körper"


async def test_the_url_that_jobs_see_is_the_public_one(db_url, server, builders):
    path = add(server)
    async with serving(Settings(db_url, public_url="https://jobs.example.com")) as (_, client):
        assert (await client.post(f"{path}?x=1")).status_code == 200
    (event,) = events(builders)
    assert event.payload["url"] == f"https://jobs.example.com{path}?x=1"


async def test_a_body_that_is_no_text_is_replaced(server, builders):
    path = add(server)
    for body in (b"a\xffb", b"a\x00b", b"\xed\xa0\x80", b""):
        assert (await server.client.post(path, content=body)).status_code == 200
    query = "select payload::text as payload from perdure.events where name = 'httpendpoint.shop' order by id"
    raw_bodies = [json.loads(row.payload)["rawBody"] for row in builders.db.rows(query)]
    assert raw_bodies == ["a\ufffdb", "a\x00b", "\ufffd" * 3, ""]


async def test_a_request_that_names_itself_counts_once(server, builders):
    path = add(server)
    for headers in ({"idempotency-key": "k"}, {"idempotency-key": "k"}, {"x-request-id": "r"}):
        assert (await server.client.post(path, headers=headers)).status_code == 200
    assert [event.event_id.partition(".")[2] for event in events(builders)] == ["k", "r"]


async def test_what_is_not_there(server):
    path = add(server)
    id_ = path.split("/")[4]
    for wrong in (path + "x", path.replace(id_, UNKNOWN), path.replace(id_, "no-id")):
        error_of(await server.client.post(wrong), 404, "JQ001")


async def test_a_body_without_end_is_refused(server):
    path = add(server)
    response = await server.client.post(path, headers={"content-length": str(100 * 1024 * 1024)})
    error_of(response, 413, "BODY_TOO_LARGE")


async def test_of_a_webhook_the_request_is_kept_byte_for_byte(server, builders):
    builders.db.call("set_setting", "public_url", "https://jobs.example.com")
    builders.endpoint(
        environment=server.endpoint.environment,
        slug="shop",
        httpEndpoints=[{"id": "shop", "source": "shop.example"}],
        webhooks=[{"key": "shop", "params": {}, "config": {}, "httpEndpoint": {"id": "shop"}}],
    )
    (listed,) = builders.db.call("list_http_endpoints", server.environment_id)
    path = listed["url"].removeprefix("https://jobs.example.com")
    bodies = [b"\x00\xff{ not json", b"a\x00b", "körper".encode(), b""]
    for body in bodies:
        response = await server.client.put(path, content=body, headers={"X-Hook": "1"})
        assert (response.status_code, response.content) == (200, b"")
    rows = builders.db.rows(
        "select request, body from perdure.deliveries where kind = 'WEBHOOK_REQUEST' order by id"
    )
    assert [bytes(row.body) for row in rows] == bodies
    assert (rows[0].request["method"], rows[0].request["headers"]["x-hook"]) == ("PUT", "1")
    assert events(builders) == []


@pytest.fixture
def answered(server: Server, scripted_endpoint: ScriptedEndpoint) -> str:
    """The path of an HTTP endpoint whose app answers what is sent with a query ``ask``."""
    wants = {"query": {"ask": [{"$exists": True}]}}
    return add(server, scripted_endpoint.url, immediateResponseFilter=wants)


async def ask(server: Server, path: str, **request: Any) -> httpx.Response:
    response: httpx.Response = await server.client.post(f"{path}?ask=1", **request)
    return response


async def test_the_apps_answer_is_played_back(server, answered, scripted_endpoint, builders):
    headers = {"content-type": "text/plain", "x-shop": "yes", "Content-Length": "999", "set-cookie": "a=b"}
    scripted_endpoint.then(ACTION, Answer.json({"status": 200, "headers": headers, "body": "hub says hé"}))
    response = await ask(server, answered, content=b"\x00\xff", headers={"X-Sender": "hub"})
    assert (response.status_code, response.text) == (200, "hub says hé")
    assert (response.headers["content-type"], response.headers["x-shop"]) == ("text/plain", "yes")
    assert "set-cookie" not in response.headers
    assert response.headers["content-security-policy"] == "sandbox"
    (asked,) = scripted_endpoint.requests(ACTION)
    assert asked.body == b"\x00\xff"
    assert (asked.headers["x-ts-key"], asked.headers["x-ts-http-method"]) == ("shop", "POST")
    assert asked.headers["x-ts-http-url"] == f"http://server.test{answered}?ask=1"
    assert json.loads(asked.headers["x-ts-http-headers"])["x-sender"] == "hub"
    assert asked.headers["content-type"] == "application/octet-stream"
    secret = derive_signing_secret(server.secret_key)
    verify(secret, asked.headers, asked.body, now=int(asked.headers["webhook-timestamp"]))
    assert len(events(builders)) == 1  # 200, so it goes on


async def test_other_requests_do_not_reach_the_app(server, answered, scripted_endpoint, builders):
    assert (await server.client.post(answered)).status_code == 200
    assert scripted_endpoint.received == []
    assert len(events(builders)) == 1


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ({"status": 403, "body": "who are you?"}, b"who are you?"),
        ({"status": 202, "headers": {"x-a": "1"}}, b""),
        ({"status": 204, "body": "nobody reads this"}, b""),
        ({"status": 500, "body": {"ok": False}}, b'{"ok":false}'),
    ],
)
async def test_an_answer_other_than_200_ends_it(
    server, answered, scripted_endpoint, builders, answer, content
):
    scripted_endpoint.then(ACTION, Answer.json(answer))
    response = await ask(server, answered)
    assert (response.status_code, response.content) == (answer["status"], content)
    assert events(builders) == []


async def test_an_app_may_want_no_runs(server, scripted_endpoint, builders):
    path = add(server, scripted_endpoint.url, immediateResponseFilter={}, skipTriggeringRuns=True)
    scripted_endpoint.then(ACTION, Answer.json({"status": 200, "body": {"ok": True}}))
    response = await server.client.get(path)
    assert (response.json(), response.headers["content-type"]) == ({"ok": True}, "application/json")
    assert events(builders) == []


async def test_an_app_of_the_javascript_sdk_is_sent_the_key(db_url, server, scripted_endpoint, builders):
    path = add(server, scripted_endpoint.url, immediateResponseFilter={})
    keys = new_secret_key()
    db = builders.db
    query = "select id from perdure.api_keys where environment_id = %s and kind = 'SECRET'"
    key_id = db.value(query, server.environment_id)
    db.call("keep_sealed_key", key_id, SecretBox.from_setting(keys).seal(server.secret_key))
    db.execute("update perdure.endpoints set api_key_id = %s where slug = 'shop'", key_id)
    scripted_endpoint.then(ACTION, Answer.json({"status": 200}))
    async with serving(Settings(db_url, secret_keys=keys)) as (_, client):
        assert (await client.post(path)).status_code == 200
    (asked,) = scripted_endpoint.requests(ACTION)
    assert asked.headers["x-trigger-api-key"] == server.secret_key


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("secret details", status=500),
        Answer.reset(),
        Answer.json({"status": 99}),
        Answer.json({"status": 200, "headers": {"x-a": "1\r\nset-cookie: a=b"}}),
        Answer.json({"status": 200, "headers": {"x a": "1"}}),
        Answer.json(["status", 200]),
    ],
)
async def test_an_app_that_fails_is_not_quoted_to_strangers(
    server, answered, scripted_endpoint, builders, answer, caplog
):
    scripted_endpoint.then(ACTION, answer)
    with caplog.at_level(logging.WARNING, "perdure.server"):
        text = error_of(await ask(server, answered), 502, "APP_FAILED")
    assert scripted_endpoint.url not in text
    assert "secret" not in text
    assert scripted_endpoint.url in caplog.text
    assert events(builders) == []
