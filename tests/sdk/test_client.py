"""Calls of the API from the app: events, runs, settings, errors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import ApiError, MissingSetting, Perdure, make_event
from tests.sdk.fake_platform import API_KEY, FakePlatform


class User(BaseModel):
    id: int


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
    logs = await app.send_events([make_event("a", {"n": 1}), make_event("b", id="mine")])
    assert [log.name for log in logs] == ["a", "b"]
    assert logs[1].id == "mine"
    assert len(platform.calls) == 1


async def test_runs_are_read_and_cancelled(app: Perdure, platform: FakePlatform) -> None:
    run = await app.get_run("r/1", subtasks=True, task_details=True, take=5, cursor="c")
    assert run.status.is_final
    await app.cancel_run("r1")
    assert [(call.method, call.path) for call in platform.calls] == [
        ("GET", "/api/v2/runs/r%2F1?subtasks=true&taskdetails=true&cursor=c&take=5"),
        ("POST", "/api/v1/runs/r1/cancel"),
    ]


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
    assert platform.calls == []


@pytest.mark.parametrize(
    ("url", "key", "text"),
    [
        (None, API_KEY, "PERDURE_API_URL is not set"),
        ("localhost:8080", API_KEY, "must begin with http"),
        ("http://h", None, "PERDURE_API_KEY is not set"),
        ("http://h", "pk_dev_abc", "is a public key"),
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


def test_the_api_key_is_not_shown_with_the_settings() -> None:
    assert API_KEY not in repr(Perdure("acme", api_url="http://localhost", api_key=API_KEY).settings)
