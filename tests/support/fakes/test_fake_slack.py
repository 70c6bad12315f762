"""The fake Slack against Slack's own client library and its documented behaviour."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.client import WebClient

from tests.support.fakes.slack import BOT_TOKEN, CHANNEL, FakeSlack

AUTH = {"authorization": f"Bearer {BOT_TOKEN}"}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as service:
        yield service


def test_the_official_client_posts_a_message(slack: FakeSlack) -> None:
    client = WebClient(BOT_TOKEN, base_url=slack.api_url)
    answer = client.chat_postMessage(channel=CHANNEL, text="Hello", thread_ts="1.2")
    assert answer["ts"] == slack.messages[0]["ts"]
    assert (slack.messages[0]["text"], slack.messages[0]["thread_ts"]) == ("Hello", "1.2")
    slack.rate_limit_next_call(retry_after_s=9)
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=CHANNEL, text="Hello")
    assert (caught.value.response.status_code, caught.value.response.headers["retry-after"]) == (429, "9")


@pytest.mark.parametrize("encoding", ["json", "form"])
def test_both_encodings_are_understood(slack: FakeSlack, encoding: str) -> None:
    values = {"channel": CHANNEL, "text": "Hello"}
    url = f"{slack.api_url}chat.postMessage"
    if encoding == "json":
        answer = httpx.post(url, json=values, headers=AUTH, trust_env=False)
        assert answer.json()["warning"] == "missing_charset"
    else:
        answer = httpx.post(url, data={**values, "token": BOT_TOKEN}, trust_env=False)
        assert "warning" not in answer.json()
    assert answer.json()["ok"] is True
    assert slack.messages[0]["text"] == "Hello"


@pytest.mark.parametrize(
    ("arguments", "headers", "code"),
    [
        ({"channel": CHANNEL, "text": "x"}, {}, "not_authed"),
        ({"channel": CHANNEL, "text": "x"}, {"authorization": "Bearer xoxb-wrong"}, "invalid_auth"),
        ({"channel": "C0UNKNOWN", "text": "x"}, AUTH, "channel_not_found"),
        ({"channel": "C0FOREIGN", "text": "x"}, AUTH, "not_in_channel"),
        ({"channel": "C0ARCHIVED", "text": "x"}, AUTH, "is_archived"),
        ({"channel": CHANNEL}, AUTH, "no_text"),
        ({"channel": CHANNEL, "text": "x" * 40_001}, AUTH, "msg_too_long"),
    ],
)
def test_refusals_are_http_200_with_a_code(
    slack: FakeSlack, arguments: dict[str, str], headers: dict[str, str], code: str
) -> None:
    slack.foreign_channels.add("C0FOREIGN")
    slack.archived_channels.add("C0ARCHIVED")
    answer = httpx.post(f"{slack.api_url}chat.postMessage", json=arguments, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["ok"], answer.json()["error"]) == (200, False, code)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("chat.postMessage", b"{", "invalid_json"),
        ("chat.postMessage", b"[]", "json_not_object"),
        ("x", b"{}", "unknown_method"),
    ],
)
def test_wrong_calls_are_named(slack: FakeSlack, path: str, body: bytes, code: str) -> None:
    headers = {**AUTH, "content-type": "application/json;charset=utf-8"}
    answer = httpx.post(f"{slack.api_url}{path}", content=body, headers=headers, trust_env=False)
    assert answer.json()["error"] == code


def test_it_runs_as_a_process_of_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.fakes.slack"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            values = {"channel": CHANNEL, "text": "Hello"}
            assert httpx.post(
                f"{url}/api/chat.postMessage", data=values, headers=AUTH, trust_env=False
            ).json()["ok"]
            (call,) = httpx.get(f"{url}/_calls", trust_env=False).json()
            assert call["body"] == values
        finally:
            process.terminate()
        assert process.wait(timeout=10) in (0, -15)


def test_a_process_ends_at_once_although_a_call_is_held() -> None:
    command = [sys.executable, "-m", "tests.support.fakes.slack"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            httpx.post(f"{url}/_faults", json={"held": True}, trust_env=False)
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/api/auth.test", timeout=0.2, trust_env=False)
        finally:
            process.terminate()
        assert process.wait(timeout=10) in (0, -15)
