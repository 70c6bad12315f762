from urllib.parse import quote

import pytest

from tests.server.conftest import Server, error_of

KEY = "stripe.com/acme"
PATH = f"/api/v1/webhooks/{quote(KEY, safe='')}"


@pytest.fixture
def webhook_id(server: Server) -> str:
    """The app has a webhook that is not registered yet."""
    server.builders.db.call("set_setting", "public_url", "https://jobs.example.com")
    server.builders.endpoint(
        environment=server.endpoint.environment,
        slug="hooked",
        httpEndpoints=[{"id": KEY, "source": "stripe.com"}],
        webhooks=[{"key": KEY, "params": {}, "config": {"events": ["paid"]}, "httpEndpoint": {"id": KEY}}],
    )
    found: str = server.builders.db.value("select id from perdure.webhooks")
    return found


async def test_one_is_registered_under_a_key_with_a_slash_and_fails_again(server, builders, webhook_id):
    update = {"key": KEY, "active": True, "config": {"events": ["paid"]}}
    response = await server.client.put(PATH, json=update)
    assert (response.status_code, response.json()) == (200, {"id": webhook_id, "key": KEY})
    query = "select active, current_config from perdure_views.webhooks"
    assert tuple(builders.db.rows(query)[0]) == (True, {"events": ["paid"]})
    raw = f"/api/v1/webhooks/{KEY}"  # the JavaScript SDK does not encode it
    assert (await server.client.put(raw, json={"key": KEY, "active": False})).status_code == 200
    assert tuple(builders.db.rows(query)[0]) == (False, {"events": ["paid"]})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "active: Field required"),
        ({"active": True}, "config"),
        ({"active": True, "config": {"events": "paid"}}, "config.events"),
        ({"active": "perhaps"}, "active"),
    ],
)
async def test_a_malformed_update_is_refused(server, webhook_id, body, words):
    assert words in error_of(await server.client.put(PATH, json=body), 400, "INVALID_BODY")


async def test_an_unknown_one_is_not_found(server, webhook_id):
    body = {"active": False}
    error_of(await server.client.put(PATH, json=body, headers=server.as_foreigner), 404, "JQ001")
    error_of(await server.client.put(PATH + "x", json=body), 404, "JQ001")
