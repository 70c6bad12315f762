"""What ends a task from outside: a call to its callback, or the event that it waits for."""

import pytest

from tests.server.conftest import error_of
from tests.support.builders import task

PUBLIC_URL = "https://jobs.example.com"


@pytest.fixture
def waiting(server, builders):
    """A run that waits for its task's callback: the run's claim, and the task."""
    builders.db.call("set_setting", "public_url", PUBLIC_URL)
    builders.runs(1, server.endpoint)
    (claim,) = builders.claims()
    (stored,) = claim.stored(task("request", callback={"enabled": True}))
    claim.reply("RESUME_WITH_TASK", task={"id": stored["id"]})
    return claim, stored


def path_of(stored):
    url = stored["callbackUrl"]
    assert url.startswith(PUBLIC_URL)
    return url.removeprefix(PUBLIC_URL)


async def output_of(server, claim):
    query = {"taskdetails": "true"}
    run = (await server.client.get(f"/api/v2/runs/{claim.run_id}", params=query)).json()
    (shown,) = run["tasks"]
    return run["status"], shown["status"], shown.get("output", "nothing")


async def test_anybody_who_knows_the_url_ends_the_task(server, waiting):
    claim, stored = waiting
    del server.client.headers["authorization"]
    response = await server.client.post(path_of(stored), json={"approved": True})
    assert (response.status_code, response.json()) == (200, {"success": True})
    late = await server.client.post(path_of(stored), json={"approved": False})
    assert late.json() == {"success": True}
    server.client.headers["authorization"] = f"Bearer {server.secret_key}"
    assert await output_of(server, claim) == ("WAITING_TO_EXECUTE", "COMPLETED", {"approved": True})


async def test_the_path_with_the_run_ends_it_too(server, waiting):
    claim, stored = waiting
    path = path_of(stored).replace("/api/v1/", f"/api/v1/runs/{claim.run_id}/")
    assert (await server.client.post(path, json=[1])).json() == {"success": True}
    assert await output_of(server, claim) == ("WAITING_TO_EXECUTE", "COMPLETED", [1])


@pytest.mark.parametrize(("body", "output"), [(b"", "nothing"), (b"null", None), (b' "text" ', "text")])
async def test_the_body_is_any_json_or_nothing(server, waiting, body, output):
    claim, stored = waiting
    response = await server.client.post(path_of(stored), content=body)
    assert response.json() == {"success": True}
    assert await output_of(server, claim) == ("WAITING_TO_EXECUTE", "COMPLETED", output)


async def test_a_body_that_is_no_json_ends_nothing(server, waiting):
    claim, stored = waiting
    response = await server.client.post(path_of(stored), data={"payload": "form"})
    error_of(response, 400, "MALFORMED_JSON")
    assert await output_of(server, claim) == ("WAITING_TO_CONTINUE", "WAITING", "nothing")


async def test_a_wrong_secret_or_task_is_not_found(server, waiting):
    claim, stored = waiting
    secret = path_of(stored).rpartition("/")[2]
    for path in (
        f"/api/v1/tasks/{stored['id']}/callback/{'0' * 24}",
        f"/api/v1/tasks/{claim.run_id}/callback/{secret}",
        f"/api/v1/tasks/no-id/callback/{secret}",
    ):
        error_of(await server.client.post(path, json={}), 404, "JQ001")
    assert (await output_of(server, claim))[1] == "WAITING"


async def test_a_body_has_its_limit(server, waiting):
    _, stored = waiting
    body = b'"' + b"x" * 3 * 1024 * 1024 + b'"'
    error_of(await server.client.post(path_of(stored), content=body), 413, "BODY_TOO_LARGE")


async def register(server, **body):
    wanted = {"url": "https://hooks.example/paid", "name": "paid", **body}
    return await server.client.post("/api/v1/event-dispatchers/ephemeral", json=wanted)


async def test_an_event_is_sent_to_whoever_waits_for_it(server, builders):
    response = await register(
        server, name=["paid", "refunded"], filter={"order": ["a"]}, contextFilter={}, timeoutInSeconds=60
    )
    assert response.status_code == 200
    await server.send(name="refunded", payload={"order": "b"})
    sent = await server.send(name="refunded", payload={"order": "a"})
    (row,) = builders.db.rows("select url, subject_id, request from perdure.deliveries where kind = 'EVENT'")
    assert (row.url, row.subject_id) == ("https://hooks.example/paid", response.json()["id"])
    assert (row.request["id"], row.request["payload"]) == (sent["id"], {"order": "a"})


async def test_the_same_url_is_one_dispatcher(server):
    first, again = await register(server), await register(server, name="other")
    assert first.json() == again.json()
    elsewhere = await register(server, url="https://hooks.example/2")
    assert elsewhere.json() != first.json()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"name": None}, "INVALID_BODY", "name"),
        ({"name": []}, "INVALID_BODY", "name"),
        ({"url": "nowhere"}, "JQ010", "url"),
        ({"timeoutInSeconds": 0}, "INVALID_BODY", "timeoutInSeconds"),
        ({"filter": "x"}, "INVALID_BODY", "filter"),
    ],
)
async def test_what_is_no_dispatcher_is_refused(server, body, code, words):
    assert words in error_of(await register(server, **body), 400, code)


async def test_dispatchers_are_not_for_browsers(server):
    response = await server.client.post(
        "/api/v1/event-dispatchers/ephemeral", json={}, headers=server.as_public
    )
    error_of(response, 403, "PUBLIC_KEY_REFUSED")
