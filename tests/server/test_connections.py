"""Connections over HTTP: tokens come in, are stored encrypted, and go out to the app alone."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from perdure_engine.sealing import SecretBox, new_secret_key
from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of, serving
from tests.support.builders import Builders, job

KEY = new_secret_key()
TOKEN = "xoxb-very-secret"
UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"
OWN = "/api/v1/integrations/slack/connections"
ANNAS = "/api/v1/accounts/anna/connections/slack"
AUTH = "/api/v1/shop/auth/slack"
BODY = {"accessToken": TOKEN, "type": "oauth2"}
SLACK = {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}


@pytest.fixture
async def server(db_url: str, builders: Builders) -> AsyncIterator[Server]:
    """A server with a secret key, and an app whose job uses Slack."""
    endpoint = builders.endpoint(job(integrations={"slack": SLACK}), slug="shop")
    public_key = builders.db.call("create_api_key", endpoint.environment.id, "PUBLIC")
    foreign_key = builders.environment().key
    async with serving(Settings(db_url, secret_keys=KEY, database_timeout_s=10)) as (_, client):
        client.headers["authorization"] = f"Bearer {endpoint.environment.key}"
        yield Server(client, builders, endpoint, endpoint.environment.key, public_key, foreign_key)


def stored(builders: Builders) -> list:
    return builders.db.rows("select * from perdure.connections order by id")


async def test_the_developers_token_is_kept_encrypted_and_given_to_the_app(server, builders):
    body = {
        **BODY,
        "scopes": ["chat:write"],
        "metadata": {"n": 1.0},
        "additionalFields": {"team": "team one"},
    }
    created = await server.client.post(OWN, json=body)
    assert created.status_code == 200, created.text
    assert TOKEN not in created.text
    assert "team one" not in created.text
    shown = created.json()
    assert (shown["integration"], shown["type"], shown["scopes"]) == ("slack", "oauth2", ["chat:write"])
    assert "accountId" not in shown
    (row,) = stored(builders)
    assert TOKEN not in str(row)
    assert SecretBox([KEY]).open(row.sealed_token) == TOKEN
    read = await server.client.get(f"{OWN}/{shown['id']}")
    assert read.json() == shown
    auth = await server.client.get(AUTH)
    assert auth.json() == {
        "type": "oauth2",
        "accessToken": TOKEN,
        "scopes": ["chat:write"],
        "additionalFields": {"team": "team one"},
    }


async def test_an_end_users_token_releases_that_persons_runs(server, builders):
    options = {"accountId": "anna/b c"}
    sent = await server.client.post("/api/v1/events", json={"event": {"name": "greet"}, "options": options})
    event = await server.client.get(f"/api/v1/events/{sent.json()['id']}")
    assert [run["status"] for run in event.json()["runs"]] == ["WAITING_ON_CONNECTIONS"]
    path = f"/api/v1/accounts/{quote('anna/b c', safe='')}/connections/slack"
    created = await server.client.post(path, json=BODY)
    assert (created.status_code, created.json()["accountId"]) == (200, "anna/b c")
    (row,) = builders.db.call("claim_runs", "test", 5)
    assert SecretBox([KEY]).open(row.sealed_connections["slack"]["sealedToken"]) == TOKEN


async def test_a_new_token_takes_the_place_of_the_old_one(server):
    await server.client.post(OWN, json={**BODY, "accessToken": "old"})
    await server.client.post(OWN, json={"accessToken": "new", "type": "apiKey"})
    auth = (await server.client.get(AUTH)).json()
    assert (auth["type"], auth["accessToken"]) == ("apiKey", "new")


async def test_a_deleted_connection_is_gone(server, builders):
    created = (await server.client.post(OWN, json=BODY)).json()
    deleted = await server.client.delete(f"{OWN}/{created['id']}")
    assert (deleted.status_code, deleted.json()) == (200, created)
    assert stored(builders) == []
    error_of(await server.client.delete(f"{OWN}/{created['id']}"), 404, "JQ001")
    error_of(await server.client.get(f"{OWN}/{created['id']}"), 404, "JQ001")
    error_of(await server.client.get(AUTH), 404, "JQ001")


async def test_what_is_not_there_is_not_found(server):
    created = (await server.client.post(OWN, json=BODY)).json()
    for path in (
        f"{OWN}/{UNKNOWN}",
        f"{OWN}/no-id",
        f"/api/v1/integrations/github/connections/{created['id']}",
        "/api/v1/shop/auth/github",
        "/api/v1/other/auth/slack",
    ):
        error_of(await server.client.get(path), 404, "JQ001")
    for path in ("/api/v1/integrations/github/connections", "/api/v1/accounts/anna/connections/github"):
        text = error_of(await server.client.post(path, json=BODY), 404, "JQ001")
        assert "appears when an app is indexed" in text


async def test_only_a_secret_key_of_the_environment_opens_anything(server):
    created = (await server.client.post(OWN, json=BODY)).json()
    calls = [
        ("POST", OWN, BODY),
        ("POST", ANNAS, BODY),
        ("GET", f"{OWN}/{created['id']}", None),
        ("DELETE", f"{OWN}/{created['id']}", None),
        ("GET", AUTH, None),
    ]
    for method, path, body in calls:
        answer = await server.client.request(method, path, json=body, headers=server.as_public)
        error_of(answer, 403, "PUBLIC_KEY_REFUSED")
        answer = await server.client.request(method, path, json=body, headers=server.as_foreigner)
        error_of(answer, 404, "JQ001")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"type": "oauth2"}, "accessToken: Field required"),
        ({**BODY, "accessToken": ""}, "accessToken: String should have at least 1 character"),
        ({**BODY, "type": "password"}, "type: Input should be 'oauth2' or 'apiKey'"),
        ({**BODY, "scopes": [1]}, "scopes.0: Input should be a valid string"),
        ({**BODY, "additionalFields": {"n": 1}}, "additionalFields.n: Input should be a valid string"),
    ],
)
async def test_a_malformed_body_is_refused_without_showing_the_token(server, body, problem):
    text = error_of(await server.client.post(OWN, json=body), 400, "INVALID_BODY")
    assert problem in text
    assert TOKEN not in text


async def test_metadata_is_stored_as_it_was_written(server, builders):
    text = json.dumps(BODY)[:-1] + ', "metadata": {"b": 1.50, "a": "\\u0000"}}'
    response = await server.client.post(OWN, content=text)
    assert response.status_code == 200, response.text
    stored = builders.db.value("select metadata::text from perdure.connections")
    assert stored == '{"b": 1.50, "a": "\\u0000"}'


async def test_a_server_without_a_secret_key_says_so(db_url, server, builders):
    await server.client.post(OWN, json=BODY)
    async with serving(Settings(db_url, database_timeout_s=10)) as (_, client):
        client.headers["authorization"] = f"Bearer {server.secret_key}"
        for answer in (await client.post(OWN, json=BODY), await client.get(AUTH)):
            text = error_of(answer, 503, "NO_SECRET_KEY")
            assert "PERDURE_SECRET_KEYS is not set" in text
            assert "`perdure secret-key`" in text


async def test_a_token_that_another_key_sealed_is_refused_with_the_way_out(db_url, server):
    await server.client.post(OWN, json=BODY)
    other = new_secret_key()
    async with serving(Settings(db_url, secret_keys=other, database_timeout_s=10)) as (_, client):
        client.headers["authorization"] = f"Bearer {server.secret_key}"
        text = error_of(await client.get(AUTH), 503, "UNKNOWN_SECRET_KEY")
        assert "add the older key" in text
    async with serving(Settings(db_url, secret_keys=f"{other},{KEY}", database_timeout_s=10)) as (_, client):
        client.headers["authorization"] = f"Bearer {server.secret_key}"
        assert (await client.get(AUTH)).json()["accessToken"] == TOKEN
