"""Calls of the API from the app: what is sent, what is repeated, errors, settings."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import ApiError, MissingSetting, Perdure, make_event
from perdure.client import ApiClient
from perdure.settings import Settings
from perdure.wire.http import HttpResponse
from tests.sdk.fake_platform import API_KEY, FakePlatform

RUN = b'{"id": "r1", "status": "QUEUED"}'


class User(BaseModel):
    id: int


class ScriptedHttp:
    """A transport that answers with what it was given: (status, body, headers), the last of them for ever."""

    def __init__(self, *answers: tuple[int, bytes, dict[str, str]]) -> None:
        self._answers = list(answers)
        self.calls: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, **limits: Any
    ) -> HttpResponse:
        """Answer the next one."""
        self.calls.append((method, url.removeprefix("http://api.test")))
        self.headers.append(headers)
        status, answer, sent = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return HttpResponse(status, sent, answer)

    async def close(self) -> None:
        """Nothing is kept."""


def client(http: ScriptedHttp, *, patience_s: float = 1.0) -> ApiClient:
    return ApiClient(Settings("http://api.test", API_KEY), http, patience_s=patience_s)


def limited(reset_in_s: float) -> tuple[int, bytes, dict[str, str]]:
    reset = str(int((time.time() + reset_in_s) * 1000))
    return 429, b'{"error": "too many requests", "code": "RATE_LIMITED"}', {"x-ratelimit-reset": reset}


async def test_send_event_sends_models_and_options(app: Perdure, platform: FakePlatform) -> None:
    log = await app.send_event(
        "user.created",
        User(id=1),
        context={"at": datetime(2026, 1, 1, tzinfo=UTC)},
        deliver_after=timedelta(minutes=2),
        account_id="a1",
    )
    (call,) = platform.calls
    assert (call.method, call.path) == ("POST", "/api/v1/events")
    assert call.headers["content-type"] == "application/json"
    event = call.body["event"]
    assert log.id == event.pop("id")
    assert event == {"name": "user.created", "payload": {"id": 1}, "context": {"at": "2026-01-01T00:00:00Z"}}
    assert call.body["options"] == {"deliverAfter": 120, "accountId": "a1"}


async def test_a_repeated_send_carries_the_same_id(app: Perdure, platform: FakePlatform) -> None:
    platform.faults.extend([(503, {"error": "down"}), "reset"])
    await app.send_event("user.created")
    assert len({call.body["event"]["id"] for call in platform.calls}) == 1
    assert len(platform.calls) == 3


async def test_send_events_is_one_call(app: Perdure, platform: FakePlatform) -> None:
    logs = await app.send_events([make_event("a", {"n": 1}), make_event("b", id="mine")], account_id="a1")
    assert [log.name for log in logs] == ["a", "b"]
    assert logs[1].id == "mine"
    (call,) = platform.calls
    assert call.body["options"] == {"accountId": "a1"}
    assert "prefer" not in call.headers


async def test_events_that_nobody_wants_are_not_asked_for(app: Perdure, platform: FakePlatform) -> None:
    assert await app.send_events([make_event("a"), make_event("b")], minimal=True) == []
    (call,) = platform.calls
    assert (len(call.body["events"]), call.headers["prefer"]) == (2, "return=minimal")


async def test_runs_are_read_and_cancelled(app: Perdure, platform: FakePlatform) -> None:
    run = await app.get_run("r/1", subtasks=True, task_details=True, take=5, cursor="c")
    assert run.status.is_final
    await app.cancel_run("r1")
    assert [(call.method, call.path) for call in platform.calls] == [
        ("GET", "/api/v2/runs/r%2F1?subtasks=true&taskdetails=true&cursor=c&take=5"),
        ("POST", "/api/v1/runs/r1/cancel"),
    ]


# What is repeated


async def test_an_invocation_that_is_repeated_carries_the_same_key() -> None:
    http = ScriptedHttp((503, b"", {}), (200, RUN, {}))
    api = client(http)
    app = Perdure("acme", api_url="http://api.test", api_key=API_KEY)
    app.api = api
    assert (await app.invoke_job("a job/1")).id == "r1"
    assert http.calls == [("POST", "/api/v1/jobs/a%20job%2F1/invoke")] * 2
    keys = {headers["idempotency-key"] for headers in http.headers}
    assert len(keys) == 1
    assert keys != {""}


async def test_a_call_that_is_not_safe_to_repeat_is_sent_once() -> None:
    http = ScriptedHttp((503, b'{"error": "the database is away"}', {}))
    api = client(http)
    for call in (api.rerun_run, api.continue_run):
        with pytest.raises(ApiError, match="the database is away"):
            await call("r1")
    with pytest.raises(ApiError):
        await api.delete_connection("github", "c1")
    assert len(http.calls) == 3


@pytest.mark.parametrize("wait", ["x-ratelimit-reset", "retry-after"])
async def test_beyond_the_rate_limit_a_call_waits_as_long_as_it_is_told(wait: str) -> None:
    told = limited(0.4) if wait == "x-ratelimit-reset" else (429, b"slow down", {"retry-after": "1"})
    http = ScriptedHttp(told, (200, RUN, {}))
    started = time.monotonic()
    await client(http, patience_s=5).rerun_run("r1")  # it was not done, so this one, too
    assert time.monotonic() - started >= (0.35 if wait == "x-ratelimit-reset" else 0.95)
    assert len(http.calls) == 2


async def test_a_limit_that_lasts_longer_than_the_patience_is_an_error_that_says_until_when() -> None:
    http = ScriptedHttp(limited(60))
    started = time.monotonic()
    with pytest.raises(ApiError, match="too many requests") as caught:
        await client(http, patience_s=5).get_run("r1")
    assert time.monotonic() - started < 1
    assert (caught.value.status, caught.value.code, caught.value.is_temporary) == (429, "RATE_LIMITED", True)
    retry_at = caught.value.retry_at
    assert retry_at is not None
    assert abs(retry_at - datetime.now(UTC) - timedelta(seconds=60)) < timedelta(seconds=2)


@pytest.mark.parametrize(
    "reset",
    ["", "soon", "9" * 30, pytest.param(str(int((time.time() + 1e7) * 1000)), id="milliseconds")],
)
async def test_a_limit_that_says_nothing_sensible_is_waited_for_as_any_failure(reset: str) -> None:
    http = ScriptedHttp((429, b"", {"x-ratelimit-reset": reset}), (200, RUN, {}))
    assert (await client(http).get_run("r1")).id == "r1"


async def test_each_call_has_its_route() -> None:
    http = ScriptedHttp((404, b'{"error": "nothing here", "code": "JQ001"}', {}))
    api = client(http)
    assert await api.get_auth("app", "slack/1") is None
    for call in (
        api.get_connection("slack", "c1"),
        api.unregister_schedule("app", "tenant", "a/b"),
        api.cancel_job_runs("j"),
        api.list_runs(job_id="j&k", take=2),
        api.get_run_statuses("r1"),
        api.get_store_item("run:1:a/b"),
    ):
        with pytest.raises(ApiError, match="nothing here"):
            await call
    assert http.calls == [
        ("GET", "/api/v1/app/auth/slack%2F1"),
        ("GET", "/api/v1/integrations/slack/connections/c1"),
        ("DELETE", "/api/v1/app/schedules/tenant/registrations/a%2Fb"),
        ("POST", "/api/v1/jobs/j/cancel-runs"),
        ("GET", "/api/v1/runs?job=j%26k&take=2"),
        ("GET", "/api/v2/runs/r1/statuses"),
        ("GET", "/api/v1/store/run%3A1%3Aa%2Fb"),
    ]


def test_threads_with_event_loops_of_their_own_share_a_client(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)

    async def send(name: str) -> str:
        sent = await app.send_event(name)
        await app.close()
        return sent.name

    def send_often(name: str) -> set[str]:
        return {asyncio.run(send(name)) for _ in range(20)}

    names = [f"event-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(send_often, names)) == [{name} for name in names]


# Errors


@pytest.mark.parametrize(
    ("fault", "status", "code", "text"),
    [
        ((404, {"error": "event unknown", "code": "JQ001"}), 404, "JQ001", "event unknown"),
        ((400, "<html>bad</html>"), 400, None, "<html>bad</html>"),
        ((204, ""), 204, None, "answered 204"),
    ],
)
async def test_a_refusal_is_one_error_with_status_and_code(
    app: Perdure, platform: FakePlatform, fault: Any, status: int, code: str | None, text: str
) -> None:
    platform.faults.append(fault)
    with pytest.raises(ApiError) as caught:
        await app.get_event("e1")
    assert (caught.value.status, caught.value.code) == (status, code)
    assert text in str(caught.value)
    assert len(platform.calls) == 1


async def test_an_answer_that_is_not_the_api_is_not_taken_for_success(
    app: Perdure, platform: FakePlatform
) -> None:
    platform.faults.extend(["html"] * 20)
    with pytest.raises(ApiError, match=r"something else than expected .text/html"):
        await app.cancel_event("e1")


async def test_an_api_out_of_reach_is_an_error_after_some_patience() -> None:
    app = Perdure("acme", api_url="http://127.0.0.1:1", api_key=API_KEY, patience_s=0.2)
    with pytest.raises(ApiError, match="could not be reached") as caught:
        await app.send_event("x")
    assert caught.value.status is None


async def test_a_payload_that_is_not_json_is_refused_before_sending(
    app: Perdure, platform: FakePlatform
) -> None:
    with pytest.raises(TypeError, match="the event's payload cannot be sent as JSON"):
        await app.send_event("x", object())
    with pytest.raises(TypeError, match="the job's context cannot be sent as JSON"):
        await app.invoke_job("x", context={"at": object()})
    assert platform.calls == []


# Settings


@pytest.mark.parametrize(
    ("url", "key", "text"),
    [
        (None, API_KEY, "PERDURE_API_URL is not set"),
        ("localhost:8080", API_KEY, "must begin with http"),
        ("http://h", None, "PERDURE_API_KEY is not set"),
        ("http://h", " , ", "PERDURE_API_KEY is not set"),
        ("http://h", "pk_dev_abc", "has a public key"),
        ("http://h", f"{API_KEY},pk_dev_abc", "has a public key"),
        ("http://h", "secret", "does not look like a secret key"),
    ],
)
async def test_missing_settings_are_errors_when_used_not_when_declared(
    monkeypatch: pytest.MonkeyPatch, url: str | None, key: str | None, text: str
) -> None:
    monkeypatch.delenv("PERDURE_API_URL", raising=False)
    monkeypatch.delenv("PERDURE_API_KEY", raising=False)
    app = Perdure("acme", api_url=url, api_key=key)
    with pytest.raises(MissingSetting, match=text):
        await app.send_event("x")


async def test_settings_come_from_the_environment(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Perdure("acme")
    monkeypatch.setenv("PERDURE_API_URL", platform.url + "/")
    monkeypatch.setenv("PERDURE_API_KEY", API_KEY)
    assert (await app.send_event("x")).name == "x"
    await app.close()


async def test_of_several_keys_the_first_is_used_for_calls() -> None:
    settings = Settings("http://api.test", f"{API_KEY}, tr_dev_old ,")
    assert settings.api_keys == [API_KEY, "tr_dev_old"]
    http = ScriptedHttp((200, RUN, {}))
    await ApiClient(settings, http, patience_s=1).get_run("r1")
    assert http.headers[0]["authorization"] == f"Bearer {API_KEY}"


def test_the_api_key_is_not_shown_with_the_settings() -> None:
    assert API_KEY not in repr(Perdure("acme", api_url="http://localhost", api_key=API_KEY).settings)
