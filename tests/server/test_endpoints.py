import json

import pytest

from tests.server.conftest import error_of
from tests.support.builders import job, manifest
from tests.support.fix_endpoint import Answer

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


def source():
    integration = {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"}
    return {
        "version": "2",
        "channel": "HTTP",
        "integration": integration,
        "key": "repo",
        "params": {},
        "options": {"event": ["issues"]},
    }


def answers(endpoint, *jobs):
    endpoint.default("PING", Answer.json({"ok": True}))
    endpoint.default("INDEX_ENDPOINT", Answer.json(manifest(*(jobs or [job("other", event="other")]))))
    return endpoint


async def register(server, endpoint, **fields):
    body = {"url": endpoint.url, "id": "web", **fields}
    return await server.client.post("/api/v1/endpoints", json=body)


async def read_index(server, index_id):
    response = await server.client.get(f"/api/v1/endpointindex/{index_id}")
    assert response.status_code == 200
    return response.json()


async def test_registering_asks_the_app_then_reads_its_jobs(server, scripted_endpoint):
    response = await register(server, answers(scripted_endpoint), timeoutMs=5000)
    assert response.status_code == 200, response.text
    endpoint = response.json()
    assert (endpoint["slug"], endpoint["url"], endpoint["timeoutMs"]) == ("web", scripted_endpoint.url, 5000)
    assert endpoint["environmentId"] == server.environment_id
    for name in ("id", "organizationId", "projectId", "createdAt", "updatedAt", "indexingHookIdentifier"):
        assert endpoint[name]
    index = await read_index(server, endpoint["endpointIndex"]["id"])
    assert (index["status"], index["stats"]["jobs"]) == ("SUCCESS", 1)
    assert [request.action for request in scripted_endpoint.received] == ["PING", "INDEX_ENDPOINT"]
    assert scripted_endpoint.received[0].headers["x-trigger-endpoint-id"] == "web"
    assert len(
        (await server.client.post("/api/v1/events", json={"event": {"name": "other", "id": "o"}})).json()
    )
    assert len((await server.client.get("/api/v2/events/o")).json()["runs"]) == 1


async def test_registering_again_moves_the_endpoint(server, scripted_endpoint):
    first = (await register(server, answers(scripted_endpoint), timeoutMs=5000)).json()
    again = (await register(server, scripted_endpoint, url=scripted_endpoint.url + "?v=2")).json()
    assert (again["id"], again["url"], again["timeoutMs"]) == (
        first["id"],
        scripted_endpoint.url + "?v=2",
        5000,
    )
    listed = (await server.client.get("/api/v1/endpoints")).json()
    assert [endpoint["slug"] for endpoint in listed].count("web") == 1


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (Answer.json({"ok": False, "error": "this is shop"}), "ENDPOINT_ID", "this is shop"),
        (Answer.json({"message": "bad signature"}, status=401), "ENDPOINT_UNAUTHORIZED", "PERDURE_API_KEY"),
        (Answer.html(), "ENDPOINT_ANSWER", "text/html instead of JSON"),
        (Answer.reset(), "ENDPOINT_UNREACHABLE", "Could not connect to endpoint"),
    ],
)
async def test_an_app_that_does_not_answer_as_it_should_is_not_registered(
    server, scripted_endpoint, answer, code, text
):
    scripted_endpoint.default("PING", answer)
    assert text in error_of(await register(server, scripted_endpoint), 400, code)
    listed = (await server.client.get("/api/v1/endpoints")).json()
    assert "web" not in [endpoint["slug"] for endpoint in listed]


async def test_an_app_whose_jobs_cannot_be_read_is_registered_with_a_failed_index(server, scripted_endpoint):
    answers(scripted_endpoint).then("INDEX_ENDPOINT", Answer.html(status=502))
    response = await register(server, scripted_endpoint)
    assert response.status_code == 200
    index = await read_index(server, response.json()["endpointIndex"]["id"])
    assert index["status"] == "FAILURE"
    assert "answered 502" in index["error"]["message"]


async def test_jobs_that_the_engine_refuses_fail_the_index_with_their_place(server, scripted_endpoint):
    await register(server, answers(scripted_endpoint, job(version="one")))
    response = await server.client.post("/api/v1/endpoints/web/index", json={"reason": "test"})
    assert response.status_code == 200
    assert response.json()["status"] == "FAILURE"
    assert "jobs[0].version" in response.json()["error"]["message"]


async def test_sources_need_a_public_url(server, scripted_endpoint):
    answers(scripted_endpoint).default("INDEX_ENDPOINT", Answer.json(manifest(job(), sources=[source()])))
    index_id = (await register(server, scripted_endpoint)).json()["endpointIndex"]["id"]
    index = await read_index(server, index_id)
    assert index["status"] == "FAILURE"
    assert "public URL of the server is not set" in index["error"]["message"]


async def test_reading_again_finds_new_jobs_and_follows_redirects(server, scripted_endpoint):
    await register(server, answers(scripted_endpoint))
    scripted_endpoint.default(
        "INDEX_ENDPOINT", Answer.json(manifest(job("a", event="a"), job("b", event="b")))
    )
    scripted_endpoint.then("INDEX_ENDPOINT", Answer(307, {"location": "/moved"}))
    index = (await server.client.post("/api/v1/endpoints/web/index")).json()
    assert (index["status"], index["stats"]["jobs"]) == ("SUCCESS", 2)
    listed = {found["slug"]: found for found in (await server.client.get("/api/v1/endpoints")).json()}
    assert listed["web"]["url"] == scripted_endpoint.url.replace("/api/trigger", "/moved")


async def test_reading_again_remembers_who_wanted_it_and_why(server, scripted_endpoint, db):
    await register(server, answers(scripted_endpoint))
    body = b'{"reason": "deployed", "data": {"commit": 1.0}}'
    index = (await server.client.post("/api/v1/endpoints/web/index", content=body)).json()
    (row,) = db.rows("select * from perdure.endpoint_indexes where id = %s", index["id"])
    assert (row.cause, row.reason) == ("API", "deployed")
    assert (
        db.value("select data::text from perdure.endpoint_indexes where id = %s", row.id) == '{"commit": 1.0}'
    )
    refused = await server.client.post("/api/v1/endpoints/web/index", json={"reason": 5})
    assert "reason" in error_of(refused, 400, "INVALID_BODY")


async def test_an_app_is_asked_for_its_id_when_none_is_given(server, scripted_endpoint):
    answers(scripted_endpoint).default("VALIDATE", Answer.json({"ok": True, "endpointId": "shop"}))
    response = await server.client.post("/api/v1/endpoints", json={"url": scripted_endpoint.url})
    assert response.json()["slug"] == "shop"
    assert [request.action for request in scripted_endpoint.received] == ["VALIDATE", "INDEX_ENDPOINT"]


async def hook_path(server, scripted_endpoint):
    endpoint = (await register(server, answers(scripted_endpoint))).json()
    hook = endpoint["indexingHookIdentifier"]
    return f"/api/v1/endpoints/{server.environment_id}/web/index/{hook}"


async def test_a_deploy_hook_has_the_jobs_read_soon(server, scripted_endpoint, db):
    path = await hook_path(server, scripted_endpoint)
    del server.client.headers["authorization"]
    sent = {"deployment": "d1"}
    first, again = await server.client.post(path, json=sent), await server.client.get(path)
    assert first.status_code == 200
    assert first.json()["status"] == "PENDING"
    assert again.json() == first.json()  # within the five seconds
    row = db.rows("select cause, data from perdure.endpoint_indexes where id = %s", first.json()["id"])[0]
    assert (row.cause, row.data) == ("HOOK", sent)
    assert len(scripted_endpoint.requests("INDEX_ENDPOINT")) == 1  # that of the registration


async def test_a_deploy_hook_takes_any_body(server, scripted_endpoint):
    path = await hook_path(server, scripted_endpoint)
    response = await server.client.post(
        path, content=b"payload=deployed", headers={"content-type": "text/plain"}
    )
    assert response.json()["status"] == "PENDING"


async def test_a_deploy_hook_is_secret(server, scripted_endpoint):
    path = await hook_path(server, scripted_endpoint)
    right, hook = path.rsplit("/", 1)
    wrong = [
        f"{right}/{'0' * 32}",
        path.replace(server.environment_id, UNKNOWN),
        path.replace("/web/", "/app/"),
    ]
    for url in (*wrong, path.replace(server.environment_id, "no-id")):
        assert hook not in error_of(await server.client.post(url), 404, "JQ001")


async def test_a_host_can_be_probed(server, db):
    response = await server.client.post("/api/v1/endpoints/app/probe")
    assert response.status_code == 200, response.text
    (row,) = db.rows(
        "select kind, subject_id from perdure_views.deliveries where id = %s", response.json()["id"]
    )
    assert tuple(row) == ("PROBE", server.endpoint.id)
    foreign = await server.client.post("/api/v1/endpoints/app/probe", headers=server.as_foreigner)
    error_of(foreign, 404, "JQ001")


async def test_there_is_no_tunnel_service(server):
    """What makes the v2 command line look for another tunnel."""
    assert (await server.client.head("/api/v1/tunnels")).status_code == 404


WRONG_REGISTRATIONS = [
    ({"url": "app.test/api"}, "url: Value error, must be the app's full URL"),
    ({"url": "ftp://app.test"}, "url: Value error, must be the app's full URL"),
    ({"url": "http://app.test:99999/"}, "url: Value error, must be the app's full URL"),
    ({"url": "http://me:hunter2@app.test/"}, "url: Value error, must be the app's full URL"),
    ({"url": "http://\u00e4pp.test/"}, "url: Value error, must be the app's full URL"),
    ({"url": "http://app.test/a b"}, "url: Value error, must be the app's full URL"),
    ({"id": ""}, "id: String should match pattern"),
    ({"id": "web\u00fc"}, "id: String should match pattern"),
    ({"timeoutMs": 0}, "timeoutMs: Input should be greater than or equal to 1"),
]


async def test_a_wrong_registration_is_named(server):
    for wrong, problem in WRONG_REGISTRATIONS:
        body = {"url": "http://app.test/api", "id": "web"} | wrong
        assert problem in error_of(
            await server.client.post("/api/v1/endpoints", json=body), 400, "INVALID_BODY"
        )


async def test_what_the_engine_refuses_is_told(server, scripted_endpoint):
    answers(scripted_endpoint)
    assert "p_timeout_ms" in error_of(await register(server, scripted_endpoint, timeoutMs=1), 400, "JQ010")


async def test_unknown_and_foreign_endpoints_are_not_found(server, scripted_endpoint):
    index_id = (await register(server, answers(scripted_endpoint))).json()["endpointIndex"]["id"]
    foreign = server.as_foreigner
    error_of(await server.client.get(f"/api/v1/endpointindex/{index_id}", headers=foreign), 404, "JQ001")
    error_of(await server.client.post("/api/v1/endpoints/web/index", headers=foreign), 404, "JQ001")
    assert (await server.client.get("/api/v1/endpoints", headers=foreign)).json() == []
    error_of(await server.client.post("/api/v1/endpoints/none/index"), 404, "JQ001")
    for unknown in (UNKNOWN, "no-id"):
        error_of(await server.client.get(f"/api/v1/endpointindex/{unknown}"), 404, "JQ001")
    assert json.loads((await server.client.get("/api/v1/endpoints")).content)
