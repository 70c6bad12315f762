"""Apps with the v2 JavaScript SDK: they verify no signatures, and want the API key itself."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from perdure_engine.sealing import SecretBox, new_secret_key
from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of, serving
from tests.support.builders import Builders, job, manifest
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint

SECRET_KEY = new_secret_key()
SDK = {"trigger-version": "2023-09-29", "trigger-sdk-version": "2.3.19"}


def refused(message: str) -> Answer:
    return replace(Answer.json({"message": message}, status=401), headers=SDK)


class JavaScriptApp:
    """Answers as the v2 JavaScript SDK does, for one key."""

    def __init__(self, endpoint: ScriptedEndpoint, key: str) -> None:
        self.endpoint = endpoint
        self.key = key
        answers = {
            "PING": {"ok": True},
            "VALIDATE": {"ok": True, "endpointId": "js-app"},
            "INDEX_ENDPOINT": manifest(job("js", event="js")),
        }
        for action, answer in answers.items():
            endpoint.default(action, lambda request, answer=answer: self.answer(request, answer))

    def answer(self, request: Received, value: object) -> Answer:
        given = request.headers.get("x-trigger-api-key")
        if given is None:
            return refused("Unauthorized: missing x-trigger-api-key header")
        if given != self.key:
            return refused("Forbidden: client apiKey mismatch: Make sure you are using the correct API Key")
        return replace(Answer.json(value), headers={"content-type": "application/json", **SDK})

    def keys_sent(self) -> list[tuple[str, str | None]]:
        return [(r.action, r.headers.get("x-trigger-api-key")) for r in self.endpoint.received]


@pytest.fixture
async def keeping_server(db_url: str, builders: Builders) -> AsyncIterator[Server]:
    """A server that can keep keys."""
    endpoint = builders.endpoint()
    key = endpoint.environment.key
    async with serving(Settings(db_url, secret_keys=SECRET_KEY, database_timeout_s=10)) as (_, client):
        client.headers["authorization"] = f"Bearer {key}"
        yield Server(client, builders, endpoint, key, "", "")


async def test_it_is_sent_the_key_of_who_registers_it_and_the_key_is_kept_sealed(
    keeping_server, scripted_endpoint, db
):
    server, key = keeping_server, keeping_server.secret_key
    app = JavaScriptApp(scripted_endpoint, key)
    response = await server.client.post(
        "/api/v1/endpoints", json={"url": scripted_endpoint.url, "id": "js-app"}
    )
    assert response.status_code == 200, response.text
    assert app.keys_sent() == [("PING", None), ("PING", key), ("INDEX_ENDPOINT", key)]
    assert (response.json()["slug"], response.json()["sdk"]) == (
        "js-app",
        {"name": "trigger", "version": "2.3.19"},
    )
    assert response.json()["lastIndex"]["status"] == "SUCCESS"
    # Longer than its executions, which end their present task before they yield.
    assert response.json()["timeoutMs"] == 300_000
    sealed = db.value("select sealed_key from perdure.api_keys where sealed_key is not null")
    assert key not in sealed
    assert SecretBox([SECRET_KEY]).open(sealed) == key

    again = await server.client.post("/api/v1/endpoints/js-app/index")
    assert again.json()["status"] == "SUCCESS"
    assert app.keys_sent()[-1] == ("INDEX_ENDPOINT", key)


async def test_it_is_asked_for_its_id(keeping_server, scripted_endpoint):
    app = JavaScriptApp(scripted_endpoint, keeping_server.secret_key)
    response = await keeping_server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    assert response.json()["slug"] == "js-app"
    assert [action for action, _ in app.keys_sent()] == ["VALIDATE", "VALIDATE", "INDEX_ENDPOINT"]


async def test_it_has_another_key(keeping_server, scripted_endpoint, db):
    JavaScriptApp(scripted_endpoint, "tr_dev_another")
    response = await keeping_server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    assert "client apiKey mismatch" in error_of(response, 400, "ENDPOINT_UNAUTHORIZED")
    assert db.value("select count(*) from perdure.api_keys where sealed_key is not null") == 0


async def test_a_server_that_cannot_keep_keys_says_what_it_needs(server, scripted_endpoint):
    app = JavaScriptApp(scripted_endpoint, server.secret_key)
    response = await server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    text = error_of(response, 400, "ENDPOINT_NEEDS_KEY")
    assert "JavaScript SDK" in text
    assert "PERDURE_SECRET_KEYS is not set. `perdure secret-key` prints a new one" in text
    assert {key for _, key in app.keys_sent()} == {None}


async def test_keys_are_changed_by_registering_with_the_new_one(keeping_server, scripted_endpoint, db):
    server = keeping_server
    app = JavaScriptApp(scripted_endpoint, server.secret_key)
    await server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    new = db.call("create_api_key", server.environment_id)
    app.key = new
    response = await server.client.post(
        "/api/v1/endpoints",
        json={"url": scripted_endpoint.url},
        headers={"authorization": f"Bearer {new}"},
    )
    assert response.json()["lastIndex"]["status"] == "SUCCESS"
    assert db.call("revoke_api_key", server.secret_key)
    assert app.keys_sent()[-1] == ("INDEX_ENDPOINT", new)
    await server.client.post("/api/v1/endpoints/js-app/index", headers={"authorization": f"Bearer {new}"})
    assert app.keys_sent()[-1] == ("INDEX_ENDPOINT", new)


async def test_an_app_that_becomes_a_python_app_is_sent_no_key_any_more(keeping_server, scripted_endpoint):
    server = keeping_server
    app = JavaScriptApp(scripted_endpoint, server.secret_key)
    await server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    scripted_endpoint.default("INDEX_ENDPOINT", Answer.json(manifest(job("js", event="js"))))
    for _ in range(2):
        assert (await server.client.post("/api/v1/endpoints/js-app/index")).json()["status"] == "SUCCESS"
    assert [key for _, key in app.keys_sent()[-2:]] == [server.secret_key, None]
