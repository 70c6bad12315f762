from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import Server, error_of
from tests.support.builders import job
from tests.support.fix_endpoint import Answer, ScriptedEndpoint

KEY = "acme/site"
PATH = f"/api/v2/shop/triggers/repo/registrations/{quote(KEY, safe='')}"
RULE = {"event": "push", "source": "github.com", "payload": {"n": [1]}}
SOURCE = {
    "version": "2",
    "channel": "HTTP",
    "integration": {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"},
    "key": "hook",
    "params": {"repo": "site"},
    "options": {"event": ["push"]},
}


@pytest.fixture
def app(server: Server, scripted_endpoint: ScriptedEndpoint) -> ScriptedEndpoint:
    """The endpoint ``shop``, with the dynamic trigger ``repo``."""
    server.builders.db.call("set_setting", "public_url", "https://jobs.example.com")
    server.builders.endpoint(
        job("greet", trigger={"type": "dynamic", "id": "repo"}),
        environment=server.endpoint.environment,
        slug="shop",
        url=scripted_endpoint.url,
        dynamicTriggers=[{"id": "repo", "jobs": []}],
    )
    return scripted_endpoint


async def put(server: Server, body: object, path: str = PATH, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    response: httpx.Response = await server.client.put(path, json=body, headers=named)
    return response


def stored(server: Server) -> tuple:
    query = """
        select r.key, s.key as source_key, s.account, r.payload_filter, r.metadata
        from perdure_views.dynamic_trigger_registrations as r
        join perdure_views.sources as s on s.id = r.source_id
    """
    (row,) = server.builders.db.rows(query)
    return (row.key, row.source_key.rpartition(":")[2], row.account, row.payload_filter, row.metadata)


async def test_a_source_is_attached_under_a_key_with_a_slash(server, app):
    response = await put(server, {"rule": RULE, "source": SOURCE, "accountId": "user-1"})
    assert response.status_code == 200
    answer = response.json()
    assert answer["source"]["channel"]["url"].startswith("https://jobs.example.com/api/v1/sources/http/")
    assert answer["options"]["event"]["desired"] == ["push"]
    assert stored(server) == (KEY, "hook", "user-1", {"n": [1]}, None)
    key = quote(answer["source"]["key"], safe="")
    update = {"key": answer["source"]["key"], "options": {"event": ["push"]}}
    assert (await server.client.put(f"/api/v2/shop/sources/{key}", json=update)).status_code == 200
    assert (await put(server, {"rule": RULE, "source": SOURCE})).json()["source"]["active"] is True


async def test_the_javascript_sdk_encodes_no_key(server, app):
    path = f"/api/v2/shop/triggers/repo/registrations/{KEY}"
    answer = (await put(server, {"rule": RULE, "source": SOURCE}, path)).json()
    assert stored(server)[0] == KEY
    key = answer["source"]["key"]
    assert f":{KEY}:" in key
    update = {"key": key, "options": {"event": ["push"]}}
    assert (await server.client.put(f"/api/v2/shop/sources/{key}", json=update)).json()["key"] == key


async def test_the_idempotency_key_names_the_event_that_asks(server, app, builders):
    for _ in range(2):
        await put(server, {"rule": RULE, "source": SOURCE}, idempotency_key="task-1")
    rows = builders.db.rows("select event_id from perdure.events where name like 'dev.trigger.source%'")
    assert [row.event_id for row in rows] == ["task-1"]


async def test_the_app_makes_a_source_of_parameters(server, app):
    app.then("INITIALIZE_TRIGGER", Answer.json({"rule": RULE, "source": SOURCE}))
    raw = '{"params": {"z": 1.0, "a": 2}, "accountId": "user-1", "metadata": {"why": 1.0}}'
    response = await server.client.put(PATH, content=raw)
    assert response.status_code == 200
    (asked,) = app.requests("INITIALIZE_TRIGGER")
    assert asked.json == {
        "id": "repo",
        "params": {"z": 1.0, "a": 2},
        "accountId": "user-1",
        "metadata": {"why": 1.0},
    }
    assert b'{"z": 1.0, "a": 2}' in asked.body
    assert stored(server) == (KEY, "hook", "user-1", {"n": [1]}, {"why": 1.0})


async def test_the_app_may_have_an_opinion_on_the_account(server, app):
    app.then("INITIALIZE_TRIGGER", Answer.json({"rule": RULE, "source": SOURCE, "accountId": "user-2"}))
    assert (await put(server, {"params": None})).status_code == 200
    assert stored(server)[2] == "user-2"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer.json({"message": "Dynamic trigger not found"}, status=404), "ENDPOINT_STATUS", "not found"),
        (Answer.json({"rule": RULE}), "ENDPOINT_ANSWER", "source"),
        (Answer.html(), "ENDPOINT_ANSWER", "text/html"),
    ],
)
async def test_an_app_that_makes_nothing_of_them(server, app, builders, answer, code, words):
    app.then("INITIALIZE_TRIGGER", answer)
    assert words in error_of(await put(server, {"params": {}}), 400, code)
    assert builders.db.value("select count(*) from perdure.sources") == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rule": RULE},
        {"source": SOURCE, "params": {}},
        {"rule": {**RULE, "event": 5}, "source": SOURCE},
        {"rule": RULE, "source": {**SOURCE, "channel": "FAX"}},
        {"rule": RULE, "source": SOURCE, "accountId": ""},
    ],
)
async def test_a_malformed_body_is_refused(server, app, body):
    error_of(await put(server, body), 400, "INVALID_BODY")


async def test_what_is_not_there(server, app):
    body = {"rule": RULE, "source": SOURCE}
    error_of(await put(server, body, PATH.replace("repo", "other")), 404, "JQ001")
    foreign = await server.client.put(PATH, json=body, headers=server.as_foreigner)
    error_of(foreign, 404, "JQ001")
    error_of(await put(server, {"params": {}}, PATH.replace("shop", "other")), 404, "JQ001")
    assert app.received == []


async def test_without_a_public_url_no_provider_could_be_told(server, app, builders):
    builders.db.execute("delete from perdure.settings")
    assert "public URL" in error_of(await put(server, {"rule": RULE, "source": SOURCE}), 409, "JQ002")
