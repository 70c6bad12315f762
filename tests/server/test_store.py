from urllib.parse import quote

import pytest

from tests.server.conftest import error_of

KEY = "run:1:ordner/ä b"
PATH = f"/api/v1/store/{quote(KEY, safe='')}"
AS_SENT = {"content-type": "text/plain"}  # by the JavaScript SDK


async def test_a_value_is_kept_and_deleted(server):
    assert (await server.client.head(PATH)).status_code == 404
    assert (await server.client.get(PATH)).json() == {"action": "GET", "key": KEY}
    text = r'{"n": 1.0, "zero": "\u0000", "half": "\ud800"}'
    response = await server.client.put(PATH, content=text, headers=AS_SENT)
    assert response.json() == {"action": "SET", "key": KEY, "value": text}
    assert (await server.client.get(PATH)).json() == {"action": "GET", "key": KEY, "value": text}
    found = await server.client.head(PATH)
    assert (found.status_code, found.content) == (200, b"")
    deleted = {"action": "DELETE", "key": KEY, "deleted": True}
    assert (await server.client.delete(PATH)).json() == deleted
    assert (await server.client.delete(PATH)).json() == deleted | {"deleted": False}
    assert (await server.client.head(PATH)).status_code == 404


@pytest.mark.parametrize("text", ["null", "0", '""', "[]", "false"])
async def test_values_that_count_for_nothing_elsewhere_are_values(server, text):
    await server.client.put(PATH, content=text, headers=AS_SENT)
    assert (await server.client.get(PATH)).json()["value"] == text
    assert (await server.client.head(PATH)).status_code == 200


async def test_a_value_has_256_kib_at_most(server):
    most = b'"' + b"x" * (256 * 1024 - 2) + b'"'
    assert (await server.client.put(PATH, content=most)).status_code == 200
    error_of(await server.client.put(PATH, content=b" " + most), 413, "BODY_TOO_LARGE")
    assert len((await server.client.get(PATH)).json()["value"]) == 256 * 1024


async def test_what_is_no_json_is_refused(server):
    for text in ("hello", "{", "NaN", "1 2"):
        error_of(await server.client.put(PATH, content=text), 400, "MALFORMED_JSON")
    assert "DELETE" in error_of(await server.client.put(PATH), 400, "INVALID_BODY")
    error_of(await server.client.put("/api/v1/store/" + "k" * 1001, content="1"), 400, "JQ010")
    assert (await server.client.head(PATH)).status_code == 404


async def test_each_environment_has_its_own(server):
    await server.client.put(PATH, content="1")
    foreign = server.as_foreigner
    assert (await server.client.head(PATH, headers=foreign)).status_code == 404
    assert "value" not in (await server.client.get(PATH, headers=foreign)).json()
    assert not (await server.client.delete(PATH, headers=foreign)).json()["deleted"]
    assert (await server.client.head(PATH)).status_code == 200


async def test_it_is_not_for_browsers(server):
    for method in ("GET", "PUT", "DELETE"):
        response = await server.client.request(method, PATH, content="1", headers=server.as_public)
        error_of(response, 403, "PUBLIC_KEY_REFUSED")
    assert (await server.client.head(PATH, headers=server.as_public)).status_code == 403
