from typing import Any

import pytest

from tests.server.conftest import error_of

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


async def change(server, run_id, **members: Any):
    response = await server.client.put(f"/api/v1/runs/{run_id}/metadata", json=members)
    assert response.status_code == 200, response.text
    return response.json()


async def listed(server, query: str = "") -> list[str]:
    response = await server.client.get(f"/api/v1/runs?{query}")
    assert response.status_code == 200, response.text
    return [run["id"] for run in response.json()["runs"]]


async def test_tags_and_metadata_are_changed_and_read(server):
    run = await server.start_run()
    first = {"tags": ["eu", "vip"], "metadata": {"customer": 5, "plan": {"name": "é"}}}
    for _ in range(2):
        assert await change(server, run.id, addTags=["vip", "eu"], metadata=first["metadata"]) == first
    second = await change(server, run.id, removeTags=["eu"], metadata={"customer": None})
    assert second == {"tags": ["vip"], "metadata": {"plan": {"name": "é"}}}
    for version in ("v1", "v2"):
        shown = (await server.client.get(f"/api/{version}/runs/{run.id}")).json()
        assert {name: shown[name] for name in second} == second
    (one,) = (await server.client.get("/api/v1/runs")).json()["runs"]
    assert {name: one[name] for name in second} == second


async def test_runs_are_found_by_tags(server):
    runs = [(await server.start_run()).id for _ in range(3)]
    await change(server, runs[0], addTags=["a b&c", "x"])
    await change(server, runs[2], addTags=["x"])
    assert await listed(server, "tag=x") == [runs[2], runs[0]]
    assert await listed(server, "tag=x&tag=a%20b%26c") == [runs[0]]
    assert await listed(server, "tag=") == await listed(server) == runs[::-1]
    error_of(await server.client.get("/api/v1/runs?tag=" + "x" * 201), 400, "INVALID_QUERY")
    error_of(await server.client.get("/api/v1/runs?tag=x&tag=%00"), 400, "INVALID_QUERY")


async def test_an_event_and_an_invocation_bring_them(server):
    options = {"tags": ["sent"], "metadata": {"n": 1.5, "none": None}}
    body = {"event": {"id": "e-1", "name": "greet"}, "options": options}
    assert (await server.client.post("/api/v1/events", json=body)).status_code == 200
    body = {"events": [{"name": "greet"}], "options": {"tags": ["bulk"]}}
    assert (await server.client.post("/api/v1/events/bulk", json=body)).status_code == 200
    body = {"options": {"tags": ["invoked"], "metadata": {"by": "ann"}}}
    assert (await server.client.post("/api/v1/jobs/greet/invoke", json=body)).status_code == 200
    runs = (await server.client.get("/api/v1/runs")).json()["runs"]
    assert [(run["tags"], run["metadata"]) for run in runs] == [
        (["invoked"], {"by": "ann"}),
        (["bulk"], {}),
        (["sent"], {"n": 1.5}),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"addTags": "vip"}, "addTags"),
        ({"addTags": [""]}, "addTags.0"),
        ({"removeTags": ["x" * 201]}, "removeTags.0"),
        ({"addTags": [str(n) for n in range(51)]}, "addTags"),
        ({"metadata": []}, "metadata"),
    ],
)
async def test_what_cannot_be_kept_is_refused(server, body, field):
    run = await server.start_run()
    path = f"/api/v1/runs/{run.id}/metadata"
    assert f"{field}: " in error_of(await server.client.put(path, json=body), 400, "INVALID_BODY")


async def test_metadata_that_postgres_cannot_hold_are_refused(server):
    run = await server.start_run()
    path = f"/api/v1/runs/{run.id}/metadata"
    for text in (rb'"\u0000"', b"1e1000000", b'"' + b"x" * 65536 + b'"'):
        response = await server.client.put(path, content=b'{"metadata": {"a": ' + text + b"}}")
        assert "metadata" in error_of(response, 400, "JQ010")
    assert (await server.client.get(f"/api/v2/runs/{run.id}")).json()["metadata"] == {}


async def test_a_browser_reads_them_and_changes_none(server):
    run = await server.start_run()
    await change(server, run.id, addTags=["vip"])
    shown = await server.client.get(f"/api/v2/runs/{run.id}", headers=server.as_public)
    assert shown.json()["tags"] == ["vip"]
    response = await server.client.put(f"/api/v1/runs/{run.id}/metadata", json={}, headers=server.as_public)
    error_of(response, 403, "PUBLIC_KEY_REFUSED")


async def test_unknown_runs(server):
    for run_id in (UNKNOWN, "no-id"):
        response = await server.client.put(f"/api/v1/runs/{run_id}/metadata", json={})
        error_of(response, 404, "JQ001")
