from urllib.parse import quote

import pytest

from tests.server.conftest import error_of

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


async def put(server, run_id, key, **update):
    path = f"/api/v1/runs/{run_id}/statuses/{quote(key, safe='')}"
    response = await server.client.put(path, json=update)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_status_is_set_and_changed(server):
    run = await server.start_run()
    first = await put(server, run.id, "mail/one", label="Mail", state="loading", data={"sent": 0})
    assert first == {
        "key": "mail/one", "label": "Mail", "state": "loading", "data": {"sent": 0}, "history": [],
    }  # fmt: skip
    second = await put(server, run.id, "mail/one", state="success")
    assert second == {
        **first, "state": "success", "history": [{"label": "Mail", "state": "loading", "data": {"sent": 0}}],
    }  # fmt: skip
    shown = (await server.client.get(f"/api/v2/runs/{run.id}/statuses")).json()
    assert shown == {"run": {"id": run.id, "status": "EXECUTING"}, "statuses": [second]}
    assert (await server.client.get(f"/api/v2/runs/{run.id}")).json()["statuses"] == [second]


async def test_data_keeps_its_text(server):
    run = await server.start_run()
    data = rb'{"zero": "\u0000", "half": "\ud800", "n": 1.0}'
    path = f"/api/v1/runs/{run.id}/statuses/k"
    response = await server.client.put(path, content=rb'{"data": ' + data + rb', "label": "a\u0000b"}')
    assert data in response.content
    assert response.json()["label"] == "a\ufffdb"  # what Postgres has no text for


async def test_version_1_calls_running_runs_started(server):
    run = await server.start_run()
    await put(server, run.id, "k", label="K")
    v2 = (await server.client.get(f"/api/v2/runs/{run.id}/statuses")).json()
    v1 = (await server.client.get(f"/api/v1/runs/{run.id}/statuses")).json()
    assert v1 == v2 | {"run": {"id": run.id, "status": "STARTED"}}


async def test_a_browser_reads_statuses_and_sets_none(server):
    run = await server.start_run()
    for version in ("v1", "v2"):
        response = await server.client.get(f"/api/{version}/runs/{run.id}/statuses", headers=server.as_public)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "*"
    path = f"/api/v1/runs/{run.id}/statuses/k"
    error_of(await server.client.put(path, json={}, headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"state": "done"}, "state"), ({"label": 5}, "label"), ({"data": [1]}, "data")],
)
async def test_what_is_no_status_is_refused(server, body, field):
    run = await server.start_run()
    path = f"/api/v1/runs/{run.id}/statuses/k"
    assert f"{field}: " in error_of(await server.client.put(path, json=body), 400, "INVALID_BODY")
    error_of(await server.client.put(f"{path}{'k' * 1000}", json={}), 400, "JQ010")


async def test_unknown_and_foreign_runs(server):
    run = await server.start_run()
    for run_id in (UNKNOWN, "no-id"):
        error_of(await server.client.get(f"/api/v2/runs/{run_id}/statuses"), 404, "JQ001")
        error_of(await server.client.put(f"/api/v1/runs/{run_id}/statuses/k", json={}), 404, "JQ001")
    foreign = server.as_foreigner
    error_of(await server.client.get(f"/api/v1/runs/{run.id}/statuses", headers=foreign), 404, "JQ001")
    path = f"/api/v1/runs/{run.id}/statuses/k"
    error_of(await server.client.put(path, json={}, headers=foreign), 404, "JQ001")
