"""Pages of any origin may read what public keys open, and nothing else."""

import pytest

from tests.server.conftest import error_of

ORIGIN = {"origin": "https://shop.example"}
PREFLIGHT = ORIGIN | {
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization,content-type",
}
UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


@pytest.fixture
async def readable(server):
    """The paths that a page may read."""
    run = await server.start_run()
    return [
        f"/api/{v}/{thing}" for v in ("v1", "v2") for thing in (f"runs/{run.id}", f"events/{run.event_id}")
    ]


async def test_a_page_may_read_with_a_public_key(server, readable):
    for path in readable:
        response = await server.client.get(path, headers=server.as_public | ORIGIN)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "*"


async def test_a_browser_that_asks_first_needs_no_key(server, readable):
    del server.client.headers["authorization"]
    for path in readable:
        response = await server.client.options(path, headers=PREFLIGHT)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert "GET" in response.headers["access-control-allow-methods"].split(", ")
        assert response.headers["access-control-allow-headers"] == "authorization, *"


async def test_a_page_may_read_errors_too(server, db_url):
    unknown = await server.client.get(f"/api/v2/runs/{UNKNOWN}", headers=server.as_public | ORIGIN)
    error_of(unknown, 404, "JQ001")
    keyless = await server.client.get(f"/api/v2/runs/{UNKNOWN}", headers={"authorization": ""} | ORIGIN)
    error_of(keyless, 401, "KEY_MALFORMED")
    other = await server.client.delete(f"/api/v2/runs/{UNKNOWN}", headers=ORIGIN)
    error_of(other, 405, "METHOD_NOT_ALLOWED")
    for response in (unknown, keyless, other):
        assert response.headers["access-control-allow-origin"] == "*"


async def test_a_failure_of_the_server_can_be_read_too(server, monkeypatch):
    async def fail(*_arguments):
        raise RuntimeError("broken")

    monkeypatch.setattr("perdure_engine.events.get_event", fail)
    response = await server.client.get("/api/v2/events/x", headers=ORIGIN)
    error_of(response, 500, "INTERNAL")
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_page_may_not_read_or_send_anything_else(server):
    for method, path in (("POST", "/api/v1/events"), ("GET", "/api/v1/runs"), ("GET", "/api/v1/whoami")):
        response = await server.client.request(method, path, headers=ORIGIN)
        assert "access-control-allow-origin" not in response.headers
        preflight = await server.client.options(path, headers=PREFLIGHT)
        error_of(preflight, 405, "METHOD_NOT_ALLOWED")
        assert "access-control-allow-origin" not in preflight.headers


async def test_outputs_of_tasks_are_not_for_pages(server):
    run = await server.start_run()
    record = {"idempotencyKey": "a" * 64, "name": "step", "status": "COMPLETED", "output": "secret"}
    body = {"leaseNumber": run.lease_number, "tasks": [record]}
    assert (await server.client.put(run.path, json=body)).status_code == 200
    path = f"/api/v2/runs/{run.id}?taskdetails=true"
    assert "secret" in (await server.client.get(path)).text
    assert "secret" not in (await server.client.get(path, headers=server.as_public)).text
