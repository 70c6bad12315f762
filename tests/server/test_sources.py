from urllib.parse import quote

from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of, serving
from tests.support.builders import Builders

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"
KEY = "github.repo:acme/site"
INTEGRATION = {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"}


def source_of(key: str = KEY) -> dict:
    return {
        "version": "2",
        "channel": "HTTP",
        "integration": INTEGRATION,
        "key": key,
        "params": {"owner": "acme", "repo": "site"},
        "options": {"event": ["issues"]},
        "registerSourceJob": {"id": key, "version": "0.1.0"},
    }


def add_source(builders: Builders, server: Server) -> str:
    """Give the app a source that is not registered yet; returns its id."""
    builders.db.call("set_setting", "public_url", "https://jobs.example.com")
    builders.endpoint(environment=server.endpoint.environment, slug="with-source", sources=[source_of()])
    found: str = builders.db.value("select id from perdure.sources where key = %s", KEY)
    return found


async def activate(server: Server, **update) -> None:
    body = {"key": KEY, "options": {"event": ["issues"]}, **update}
    response = await server.client.put(f"/api/v2/shop-app/sources/{quote(KEY, safe='')}", json=body)
    assert response.status_code == 200, response.text


def deliveries(builders: Builders) -> list:
    return builders.db.rows(
        "select d.request ->> 'url' as url, d.request ->> 'method' as method,"
        " d.request -> 'headers' as headers, d.body"
        " from perdure.deliveries as d where d.kind = 'SOURCE_REQUEST' order by d.id"
    )


async def test_a_source_is_updated_under_a_key_with_a_slash(server, builders):
    source_id = add_source(builders, server)
    body = {"key": KEY, "secret": "s3cret", "data": {"hook": 1.0}, "options": {"event": ["issues"]}}
    response = await server.client.put(f"/api/v2/shop-app/sources/{quote(KEY, safe='')}", json=body)
    assert (response.status_code, response.json()) == (200, {"id": source_id, "key": KEY})
    query = "select active, secret, data::text as data from perdure.sources where id = %s"
    (stored,) = builders.db.rows(query, source_id)
    assert (stored.active, stored.secret, stored.data.replace(" ", "")) == (True, "s3cret", '{"hook":1.0}')


async def test_an_unknown_source_is_not_found(server, builders):
    add_source(builders, server)
    path = f"/api/v2/shop-app/sources/{quote(KEY, safe='')}"
    body = {"key": KEY, "options": {"event": []}}
    error_of(await server.client.put(path, json=body, headers=server.as_foreigner), 404, "JQ001")
    error_of(await server.client.put(path + "x", json=body), 404, "JQ001")
    assert "options: Field required" in error_of(
        await server.client.put(path, json={"key": KEY}), 400, "INVALID_BODY"
    )


async def test_a_request_is_stored_byte_for_byte_whatever_its_method(server, builders):
    source_id = add_source(builders, server)
    await activate(server)
    body = b"\x00\xff{ not json"
    headers = [("X-GitHub-Event", "issues"), ("x-twice", "1"), ("x-twice", "2")]
    del server.client.headers["authorization"]
    path = f"/api/v1/sources/http/{source_id}?a=%20b"
    methods = ["POST", "PUT", "GET", "DELETE", "PATCH", "OPTIONS", "HEAD"]
    for method in methods:
        response = await server.client.request(method, path, content=body, headers=headers)
        assert response.status_code == 200
    stored = deliveries(builders)
    assert [delivery.method for delivery in stored] == methods
    for delivery in stored:
        assert delivery.body == body
        assert delivery.url == f"http://server.test/api/v1/sources/http/{source_id}?a=%20b"
        assert delivery.headers["x-github-event"] == "issues"
        assert delivery.headers["x-twice"] == "1, 2"


async def test_the_stored_url_is_the_public_one(db_url, server, builders):
    source_id = add_source(builders, server)
    await activate(server)
    async with serving(Settings(db_url, public_url="https://jobs.example.com")) as (_, client):
        assert (await client.post(f"/api/v1/sources/http/{source_id}?x=1")).status_code == 200
    (stored,) = deliveries(builders)
    assert stored.url == f"https://jobs.example.com/api/v1/sources/http/{source_id}?x=1"


async def test_requests_to_a_source_that_is_not_registered_are_dropped(server, builders):
    source_id = add_source(builders, server)
    response = await server.client.post(f"/api/v1/sources/http/{source_id}", json={})
    assert response.status_code == 200
    assert deliveries(builders) == []


async def test_requests_to_an_unknown_source(server):
    for source_id in (UNKNOWN, "no-id"):
        assert source_id in error_of(
            await server.client.post(f"/api/v1/sources/http/{source_id}"), 404, "JQ001"
        )


async def test_webhooks_may_be_larger_than_tasks_but_not_endless(server, builders):
    source_id = add_source(builders, server)
    await activate(server)
    path = f"/api/v1/sources/http/{source_id}"
    assert (await server.client.post(path, content=b"x" * 4 * 1024 * 1024)).status_code == 200
    response = await server.client.post(path, content=b"", headers={"content-length": str(100 * 1024 * 1024)})
    error_of(response, 413, "BODY_TOO_LARGE")
    assert [len(stored.body) for stored in deliveries(builders)] == [4 * 1024 * 1024]
