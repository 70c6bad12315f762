"""The endpoint: what is answered to signed requests, and to everything else."""

import json
import time
from typing import Any

import httpx
import pytest

from perdure import IO, Context, Perdure, event_trigger
from perdure.execution import Execution
from perdure.wire.signing import derive_signing_secret
from tests.sdk.fake_platform import API_KEY, FakePlatform, execute_request, post
from tests.support.signed_requests import SECRETS, SignedRequest, signed, signed_ping


@pytest.fixture
def job_app(app: Perdure) -> Perdure:
    @app.job(id="job", version="1.0.0", on=event_trigger("test.event"))
    async def job(payload: Any, io: IO) -> str:
        return "done"

    return app


async def test_ping_answers_who_it_is(app: Perdure) -> None:
    answer = await post(app, signed_ping("acme"))
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert answer.headers["trigger-version"] == "2023-09-29"
    assert answer.headers["perdure-sdk-version"]


async def test_ping_for_another_app_names_both_ids(app: Perdure) -> None:
    answer = await post(app, signed_ping("other"))
    assert answer.json() == {"ok": False, "error": "endpoint id mismatch: expected 'acme', received 'other'"}


async def test_ping_without_an_id_says_so(app: Perdure) -> None:
    assert "x-trigger-endpoint-id is missing" in (await post(app, signed("PING"))).json()["error"]


async def test_validate_tells_the_id(app: Perdure) -> None:
    answer = await post(app, signed("VALIDATE"))
    assert answer.json() == {"ok": True, "endpointId": "acme"}


async def test_index_lists_the_jobs(job_app: Perdure) -> None:
    answer = await post(job_app, signed("INDEX_ENDPOINT"))
    manifest = answer.json()
    assert [job["id"] for job in manifest["jobs"]] == ["job"]
    assert manifest["sources"] == manifest["dynamicTriggers"] == manifest["dynamicSchedules"] == []


async def test_execute_runs_the_job(job_app: Perdure, platform: FakePlatform) -> None:
    answer = await post(job_app, execute_request(platform.body(platform.start("job"))))
    assert answer.json() == {"status": "SUCCESS", "output": "done"}
    assert answer.headers["x-trigger-run-metadata"] == "{}"


async def test_one_of_several_signatures_is_enough_while_keys_rotate(app: Perdure) -> None:
    secrets = [derive_signing_secret("tr_dev_old"), *SECRETS]
    assert (await post(app, signed_ping("acme", secrets=secrets))).status_code == 200


async def test_one_of_the_apps_keys_is_enough_while_they_rotate() -> None:
    new_key = "tr_dev_new0123456789abcdef"
    app = Perdure("acme", api_key=f"{new_key},{API_KEY}")
    for key in (new_key, API_KEY):
        ping = signed_ping("acme", secrets=[derive_signing_secret(key)])
        assert (await post(app, ping)).status_code == 200
        assert "was received before" in (await post(app, ping)).json()["message"]
    other = signed_ping("acme", secrets=[derive_signing_secret("tr_dev_old")])
    assert (await post(app, other)).status_code == 401


@pytest.mark.parametrize(("version", "speaks"), [("2", 2), ("1", 1), (None, 1), ("new", 1)])
async def test_the_execution_knows_what_the_platform_speaks(
    job_app: Perdure,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    speaks: int,
) -> None:
    seen: list[Any] = []

    class Spy(Execution):
        def __init__(self, *args: Any, **options: Any) -> None:
            seen.append((options["extension_version"], options["time_left_ms"]))
            super().__init__(*args, **options)

    monkeypatch.setattr("perdure.execution.Execution", Spy)
    request = execute_request(platform.body(platform.start("job")))
    request.headers.pop("x-perdure-version")
    if version is not None:
        request.headers["x-perdure-version"] = version
    answer = await job_app.endpoint.handle("POST", request.headers, request.body, time_left_ms=60_000)
    assert answer.status == 200
    assert seen == [(speaks, 60_000)]


async def test_the_probe_is_answered_after_its_time(app: Perdure) -> None:
    began = time.monotonic()
    answer = await post(app, signed("PROBE_EXECUTION_TIMEOUT", b'{"timeout": 50}'))
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert time.monotonic() - began >= 0.05


async def test_a_probe_of_more_than_a_quarter_of_an_hour_is_refused(app: Perdure) -> None:
    answer = await post(app, signed("PROBE_EXECUTION_TIMEOUT", b'{"timeout": 900001}'))
    assert answer.status_code == 400


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_a_missing_signature_header_is_named(app: Perdure, missing: str) -> None:
    request = signed("PING")
    del request.headers[missing]
    answer = await post(app, request)
    assert answer.status_code == 401
    assert f"header {missing} is missing" in answer.json()["message"]


async def test_a_wrong_signature_is_refused(app: Perdure) -> None:
    secrets = [derive_signing_secret("tr_dev_another")]
    answer = await post(app, signed_ping("acme", secrets=secrets))
    assert answer.status_code == 401
    assert "webhook-signature does not match" in answer.json()["message"]


async def test_a_changed_body_is_refused(job_app: Perdure, platform: FakePlatform) -> None:
    request = execute_request(platform.body(platform.start("job")))
    answer = await post(job_app, SignedRequest(request.headers, request.body.replace(b"acme", b"evil")))
    assert answer.status_code == 401


@pytest.mark.parametrize(("offset_s", "text"), [(-400, "s old"), (400, "in the future")])
async def test_a_stale_or_early_request_is_refused(app: Perdure, offset_s: int, text: str) -> None:
    answer = await post(app, signed_ping("acme", now=time.time() + offset_s))
    assert answer.status_code == 401
    assert text in answer.json()["message"]


async def test_a_replayed_request_is_refused(job_app: Perdure, platform: FakePlatform) -> None:
    request = execute_request(platform.body(platform.start("job")))
    assert (await post(job_app, request)).status_code == 200
    answer = await post(job_app, request)
    assert answer.status_code == 401
    assert "was received before" in answer.json()["message"]


async def test_a_signature_for_one_action_does_not_serve_another(
    job_app: Perdure, platform: FakePlatform
) -> None:
    body = json.dumps(platform.body(platform.start("job"))).encode()
    request = signed("INDEX_ENDPOINT", body)
    request.headers["x-trigger-action"] = "EXECUTE_JOB"
    answer = await post(job_app, request)
    assert answer.status_code == 401
    assert "was not made for the action EXECUTE_JOB" in answer.json()["message"]


async def test_the_api_key_in_clear_does_not_replace_a_signature(app: Perdure) -> None:
    request = SignedRequest({"x-trigger-action": "PING", "x-trigger-api-key": API_KEY}, b"")
    assert (await post(app, request)).status_code == 401


async def test_an_app_without_a_key_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERDURE_API_KEY", raising=False)
    answer = await post(Perdure("acme"), signed("PING"))
    assert answer.status_code == 401
    assert "PERDURE_API_KEY is not set" in answer.json()["message"]


async def test_an_unknown_action_is_refused(app: Perdure) -> None:
    answer = await post(app, signed("DANCE"))
    assert answer.status_code == 405
    assert "unknown action 'DANCE'" in answer.json()["message"]


async def test_a_missing_action_is_named(app: Perdure) -> None:
    request = signed("PING")
    del request.headers["x-trigger-action"]
    answer = await post(app, request)
    assert (answer.status_code, answer.json()) == (400, {"message": "Missing x-trigger-action header"})


async def test_another_method_is_refused(app: Perdure) -> None:
    answer = await post(app, signed("PING"), method="PUT")
    assert answer.status_code == 405
    assert "PUT" in answer.json()["message"]


async def test_an_unknown_job_is_named_with_those_known(job_app: Perdure, platform: FakePlatform) -> None:
    answer = await post(job_app, execute_request(platform.body(platform.start("other"))))
    assert answer.status_code == 404
    assert answer.json() == {"message": "Job not found: 'other'; this app has job"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe"])
async def test_malformed_json_is_refused(job_app: Perdure, body: bytes) -> None:
    answer = await post(job_app, signed("EXECUTE_JOB", body))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid request: ExecuteJob: ")


async def test_a_missing_field_is_named(job_app: Perdure, platform: FakePlatform) -> None:
    body = platform.body(platform.start("job"))
    del body["perdure"], body["run"]["id"]
    answer = await post(job_app, execute_request(body))
    assert answer.status_code == 400
    assert "run.id: Field required; perdure: Field required" in answer.json()["message"]


async def test_where_a_run_is_is_read_for_the_job_that_asks(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="asks", version="1.0.0", on=event_trigger("test.event"))
    async def asks(payload: Any, io: IO, ctx: Context) -> str:
        return ctx.environment.slug

    @app.job(id="does-not", version="1.0.0", on=event_trigger("test.event"))
    async def does_not(payload: Any, io: IO) -> str:
        return "done"

    async def reply(job_id: str, **environment: str) -> Any:
        body = platform.body(platform.start(job_id))
        body["environment"] |= environment
        return (await post(app, execute_request(body))).json()

    assert await reply("asks", slug="here") == {"status": "SUCCESS", "output": "here"}
    assert await reply("does-not", type="MOON") == {"status": "SUCCESS", "output": "done"}
    refused = await reply("asks", type="MOON")
    assert refused["status"] == "ERROR"
    assert "environment.type: Input should be 'DEVELOPMENT'" in refused["error"]["message"]


async def test_fields_of_a_newer_platform_are_ignored(job_app: Perdure, platform: FakePlatform) -> None:
    body = {**platform.body(platform.start("job")), "novelty": {"a": 1}}
    assert (await post(job_app, execute_request(body))).json()["status"] == "SUCCESS"


async def test_a_failure_of_the_sdk_itself_is_a_500_that_can_be_tried_again(
    job_app: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(job_app, "manifest", broken)
    answer = await post(job_app, signed("INDEX_ENDPOINT"))
    assert (answer.status_code, answer.json()) == (500, {"message": "RuntimeError: a bug"})


async def test_a_too_large_body_is_refused() -> None:
    app = Perdure("acme", api_key=API_KEY, max_body_bytes=1000)
    answer = await post(app, signed("EXECUTE_JOB", b"x" * 1001))
    assert answer.status_code == 413
    assert "at most 1000 bytes" in answer.json()["message"]
    assert (await app.endpoint.handle("POST", {}, b"x" * 1001)).status == 413
    assert (await post(app, signed("PING", b"x" * 1000))).status_code == 200


async def test_a_too_large_body_is_not_read_to_its_end() -> None:
    app = Perdure("acme", api_key=API_KEY, max_body_bytes=1000)
    sent: list[Any] = []
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 600, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    await app.asgi()({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert sent[0]["status"] == 413
    assert received == 2


async def test_head_is_answered_for_health_checks(app: Perdure) -> None:
    answer = await post(app, SignedRequest({}, b""), method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_mounted_in_starlette_at_any_path(job_app: Perdure) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    outer = Starlette(routes=[Mount("/deep/in/api", app=job_app.asgi())])
    request = signed_ping("acme")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=outer), base_url="http://app") as client:
        answer = await client.post("/deep/in/api/", headers=request.headers, content=request.body)
    assert answer.json() == {"ok": True}


async def test_lifespan_and_websocket_scopes(app: Perdure) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app.asgi()({"type": "lifespan"}, receive, send)
    await app.asgi()({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


async def test_a_client_that_goes_away_while_sending_is_not_answered(app: Perdure) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app.asgi()({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert sent == []
