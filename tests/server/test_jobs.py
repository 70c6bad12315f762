from urllib.parse import quote

import pytest

from perdure_engine.sealing import SecretBox, new_secret_key
from perdure_server.settings import Settings
from tests.server.conftest import error_of, serving
from tests.support.builders import job, manifest

HOOK = "https://hooks.example/ended"


async def invoke(server, *, job_id="greet", key=None, **body):
    headers = {} if key is None else {"idempotency-key": key}
    return await server.client.post(f"/api/v1/jobs/{job_id}/invoke", json=body, headers=headers)


async def test_a_job_is_invoked_once_a_key(server):
    body = {"payload": {"n": 1}, "context": {"c": 1}, "options": {"accountId": "user-1"}}
    first = await invoke(server, key="order-1", **body)
    assert first.status_code == 200
    assert set(first.json()) == {"id"}
    assert (await invoke(server, key="order-1", **body)).json() == first.json()
    (claim,) = server.builders.claims()
    assert claim.run_id == first.json()["id"]
    event = claim.body["event"]
    assert (event["id"], event["payload"], event["context"]) == ("order-1", {"n": 1}, {"c": 1})
    assert claim.body["account"]["id"] == "user-1"
    assert (await invoke(server, **body)).json() != first.json()


async def test_what_the_javascript_sdk_sends(server):
    for sent, payload in (({"payload": [1], "context": {}, "options": {}}, [1]), ({}, {})):
        assert (await invoke(server, **sent)).status_code == 200
        (claim,) = server.builders.claims()
        assert claim.body["event"]["payload"] == payload


async def test_the_payload_keeps_its_text(server):
    payload = rb'{"zero": "\u0000", "half": "\ud800", "n": 1.0}'
    response = await server.client.post("/api/v1/jobs/greet/invoke", content=b'{"payload": ' + payload + b"}")
    assert response.status_code == 200
    stored = server.builders.db.value("select payload::text from perdure.events")
    assert stored.encode() == payload


async def test_what_cannot_be_invoked(server, builders):
    assert "none" in error_of(await invoke(server, job_id="none"), 404, "JQ001")
    foreign = {"headers": server.as_foreigner}
    error_of(await server.client.post("/api/v1/jobs/greet/invoke", **foreign), 404, "JQ001")
    error_of(await invoke(server, options={"callbackUrl": "mail"}), 400, "JQ010")
    error_of(await invoke(server, options={"callbackUrl": 5}), 400, "INVALID_BODY")
    await server.send(name="nobody listens", id="taken")
    error_of(await invoke(server, key="taken"), 409, "JQ004")
    builders.db.call("index_endpoint", server.endpoint.id, manifest(job(enabled=False)))
    assert "disabled" in error_of(await invoke(server), 409, "JQ002")
    assert server.builders.claims() == []


def kept(builders):
    return [
        row.sealed_key
        for row in builders.db.rows("select sealed_key from perdure.api_keys where sealed_key is not null")
    ]


async def test_the_key_is_kept_that_signs_what_is_sent_to_the_callback_url(server, db_url, builders):
    assert (await invoke(server, options={"callbackUrl": HOOK})).status_code == 200
    assert kept(builders) == []  # the server has no keys to seal it with
    secret = new_secret_key()
    settings = Settings(db_url, secret_keys=secret, public_url="https://perdure.test")
    async with serving(settings) as (_, client):
        client.headers["authorization"] = f"Bearer {server.secret_key}"
        for options in ({}, {"callbackUrl": "https://perdure.test/api/v1/tasks/1/callback/2"}):
            response = await client.post("/api/v1/jobs/greet/invoke", json={"options": options})
            assert response.status_code == 200
            assert kept(builders) == []  # nobody outside is told
        response = await client.post("/api/v1/jobs/greet/invoke", json={"options": {"callbackUrl": HOOK}})
        assert response.status_code == 200
    (sealed,) = kept(builders)
    assert SecretBox([secret]).open(sealed) == server.secret_key


async def test_a_jobs_runs_are_listed_in_pages_to_browsers_too(server):
    ids = [(await server.start_run()).id for _ in range(3)]
    path, public = "/api/v1/jobs/greet/runs", server.as_public
    response = await server.client.get(path, params={"take": "2"}, headers=public)
    assert response.headers["access-control-allow-origin"] == "*"
    page = response.json()
    assert [run["id"] for run in page["runs"]] == [ids[2], ids[1]]
    assert {run["status"] for run in page["runs"]} == {"EXECUTING"}
    rest = (await server.client.get(path, params={"cursor": page["nextCursor"]}, headers=public)).json()
    assert [run["id"] for run in rest["runs"]] == [ids[0]]
    assert "nextCursor" not in rest


async def test_a_jobs_runs_are_cancelled(server):
    run = await server.start_run()
    headers = {"content-type": "application/json"}
    response = await server.client.post("/api/v1/jobs/greet/cancel-runs", headers=headers)
    assert response.json() == {"cancelledRunIds": [run.id], "failedToCancelRunIds": []}
    assert (await server.client.get(f"/api/v2/runs/{run.id}")).json()["status"] == "CANCELED"


@pytest.mark.parametrize("job_id", ["none", "with/slash"])
async def test_unknown_jobs(server, job_id):
    path = f"/api/v1/jobs/{quote(job_id, safe='')}"
    assert job_id in error_of(await server.client.get(f"{path}/runs"), 404, "JQ001")
    assert job_id in error_of(await server.client.post(f"{path}/cancel-runs"), 404, "JQ001")


async def test_only_reading_is_for_browsers(server):
    for path in ("/api/v1/jobs/greet/invoke", "/api/v1/jobs/greet/cancel-runs"):
        error_of(await server.client.post(path, headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")
