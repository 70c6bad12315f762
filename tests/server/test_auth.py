from perdure_server.callers import REMEMBERED_S
from tests.server.conftest import error_of
from tests.support.waiting import eventually_async

BAD_KEYS = [
    (None, "KEY_MISSING", "send 'Authorization: Bearer <API key>'"),
    ("", "KEY_MALFORMED", "must be 'Bearer <API key>'"),
    ("Basic dXNlcjpwYXNz", "KEY_MALFORMED", "must be 'Bearer <API key>'"),
    ("Bearer hello", "KEY_MALFORMED", "a key such as tr_dev_"),
    ("Bearer tr_dev_", "KEY_MALFORMED", "a key such as tr_dev_"),
    ("Bearer tr_dev_0123456789abcdef0123456789abcdef01234567", "KEY_UNKNOWN", "unknown or was revoked"),
]


async def test_a_request_without_a_good_key_is_told_why(server):
    del server.client.headers["authorization"]
    for header, code, text in BAD_KEYS:
        headers = {} if header is None else {"authorization": header}
        response = await server.client.get("/api/v1/runs", headers=headers)
        assert text in error_of(response, 401, code)
        assert response.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_key_is_refused(server):
    assert (await server.client.get("/api/v1/runs")).status_code == 200
    server.builders.db.call("revoke_api_key", server.secret_key)

    async def is_refused() -> bool:
        return (await server.client.get("/api/v1/runs")).status_code == 401

    await eventually_async(is_refused, timeout_s=2 * REMEMBERED_S, what="the refusal of a revoked key")
    error_of(await server.client.get("/api/v1/runs"), 401, "KEY_UNKNOWN")


async def test_the_scheme_is_read_in_any_case(server):
    response = await server.client.get(
        "/api/v1/runs", headers={"authorization": f"bearer  {server.secret_key} "}
    )
    assert response.status_code == 200


async def test_a_public_key_can_only_read_events_and_runs(server):
    operations = [
        ("POST", "/api/v1/events"),
        ("GET", "/api/v1/runs"),
        ("POST", "/api/v1/runs/x/cancel"),
        ("PUT", "/api/v1/runs/x/tasks"),
        ("GET", "/api/v1/endpoints"),
        ("GET", "/api/v1/whoami"),
    ]
    for method, path in operations:
        response = await server.client.request(method, path, headers=server.as_public)
        assert "use a secret key" in error_of(response, 403, "PUBLIC_KEY_REFUSED")


async def test_a_public_key_reads_runs_and_events(server):
    run = await server.start_run()
    public = server.as_public
    for path in (f"/api/v1/runs/{run.id}", f"/api/v2/runs/{run.id}", f"/api/v2/events/{run.event_id}"):
        assert (await server.client.get(path, headers=public)).status_code == 200


async def test_whoami_tells_the_environment(server):
    response = await server.client.get("/api/v1/whoami")
    assert response.status_code == 200
    told = response.json()
    assert told["id"] == server.environment_id
    assert (told["slug"], told["type"]) == ("dev", "DEVELOPMENT")
    assert told["project"]["slug"] == server.endpoint.environment.project
    assert told["project"]["name"] == server.endpoint.environment.project
    assert (told["organization"]["slug"], told["organization"]["title"]) == ("acme", "acme")
    assert told["pkApiKey"] == server.public_key
