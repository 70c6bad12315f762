"""Posting a message: what Slack gets, what the job gets, and what a failure does to the task."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.web.client import WebClient

import perdure_slack
from perdure import IO, ConfigurationError, Perdure, PerdureError
from perdure_slack import PostedMessage, Slack, SlackError
from tests.support.fakes.faults import Fault
from tests.support.fakes.platform import FakePlatform
from tests.support.fakes.slack import BOT_TOKEN, CHANNEL, FakeSlack
from tests.support.job_runner import JobRunner

HELLO = {"channel": CHANNEL, "text": "Hello"}


async def post_hello(io: IO) -> Any:
    return await io.slack.post_message("hello", **HELLO)


async def test_a_message_is_posted(runner: JobRunner, fake: FakeSlack) -> None:
    reply = await runner.execute(post_hello)
    assert reply["status"] == "SUCCESS"
    (posted,) = runner.results
    assert isinstance(posted, PostedMessage)
    assert (posted.channel, posted.ts) == (CHANNEL, fake.messages[0]["ts"])
    assert (posted.message.text, posted.message.bot_id) == ("Hello", "B0PERDURE")
    task = runner.run.task("hello")
    assert (task["name"], task["icon"], task["connectionKey"]) == ("Post message", "slack", "slack")
    assert task["params"] == HELLO
    assert task["properties"] == [{"label": "Channel", "text": CHANNEL}]


async def test_only_what_was_given_is_sent(runner: JobRunner, fake: FakeSlack) -> None:
    await runner.execute(post_hello)
    (call,) = fake.calls
    assert (call.path, call.body) == ("/api/chat.postMessage", HELLO)
    assert call.headers["authorization"] == f"Bearer {BOT_TOKEN}"
    assert call.headers["content-type"] == "application/json;charset=utf-8"


async def test_every_option_reaches_slack(runner: JobRunner, fake: FakeSlack) -> None:
    options: dict[str, Any] = {
        **HELLO,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Hello*"}}],
        "thread_ts": "1.2",
        "reply_broadcast": True,
        "unfurl_links": False,
        "unfurl_media": False,
        "mrkdwn": False,
        "metadata": {"event_type": "greeting", "event_payload": {"n": 1}},
    }
    await runner.execute(lambda io: io.slack.post_message("hello", **options))
    (call,) = fake.calls
    assert call.body == options
    assert runner.results[0].message.thread_ts == "1.2"


async def test_a_message_is_posted_once_however_often_the_run_is_executed(
    runner: JobRunner, fake: FakeSlack
) -> None:
    await runner.execute(post_hello)
    await runner.execute()
    assert len(fake.messages) == 1
    assert runner.results[0] == runner.results[1]


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        ({**HELLO, "channel": "C0UNKNOWN"}, "channel_not_found", "give the id of a channel"),
        ({**HELLO, "channel": "C0FOREIGN"}, "not_in_channel", "invite the app to the channel"),
        ({**HELLO, "text": "x" * 40_001}, "msg_too_long", ""),
    ],
)
async def test_a_refusal_fails_the_task_at_once(
    runner: JobRunner, fake: FakeSlack, arguments: dict[str, str], code: str, hint: str
) -> None:
    fake.foreign_channels.add("C0FOREIGN")
    reply = await runner.execute(lambda io: io.slack.post_message("hello", **arguments))
    assert (reply["status"], reply["error"]["name"]) == ("ERROR", "SlackError")
    assert f"Slack's chat.postMessage: {code}" in reply["error"]["message"]
    assert hint in reply["error"]["message"]
    assert runner.run.task("hello")["status"] == "ERRORED"
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, body={"ok": False, "error": "internal_error"}),
        Fault(status=503, body="<html>Slack is down</html>"),
        Fault(status=200, body={"ok": False, "error": "fatal_error"}),
        Fault(status=200, body={"ok": False, "error": "service_unavailable"}),
        Fault(broken=True),
    ],
    ids=["500", "503-html", "fatal_error", "service_unavailable", "connection-breaks"],
)
async def test_slacks_own_failures_are_tried_again_with_backoff(
    runner: JobRunner, fake: FakeSlack, fault: Fault
) -> None:
    fake.faults.add(fault)
    reply = await runner.execute(post_hello)
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "retryAt" not in reply
    assert (reply["retry"]["limit"], reply["retry"]["minTimeoutInMs"]) == (8, 500)
    assert len(fake.calls) == 1  # slack-sdk tries nothing again by itself
    assert (await runner.execute())["status"] == "SUCCESS"


async def test_a_broken_connection_is_no_answer(runner: JobRunner, fake: FakeSlack) -> None:
    fake.faults.add(Fault(broken=True))
    reply = await runner.execute(post_hello)
    assert "Slack: no answer: IncompleteRead" in reply["error"]["message"]


async def test_a_page_of_a_proxy_is_not_stored_in_full(runner: JobRunner, fake: FakeSlack) -> None:
    fake.faults.add(Fault(status=502, body="<html>" + "x" * 5000 + "</html>"))
    reply = await runner.execute(post_hello)
    assert reply["error"]["message"] == "Slack's chat.postMessage: HTTP status 502"


async def test_a_server_that_is_not_there_is_tried_again(runner: JobRunner, fake: FakeSlack) -> None:
    fake.close()
    reply = await runner.execute(post_hello)
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "Slack: no answer" in reply["error"]["message"]


async def test_a_rate_limit_is_tried_again_after_retry_after(runner: JobRunner, fake: FakeSlack) -> None:
    fake.rate_limit_next_call(retry_after_s=45)
    before = datetime.now(UTC)
    reply = await runner.execute(post_hello)
    assert reply["status"] == "RETRY_WITH_TASK"
    retry_at = datetime.fromisoformat(reply["retryAt"])
    assert before + timedelta(seconds=45) <= retry_at <= datetime.now(UTC) + timedelta(seconds=45)
    assert (await runner.execute())["status"] == "SUCCESS"
    assert len(fake.messages) == 1


async def test_a_rate_limit_without_a_time_waits_half_a_minute(runner: JobRunner, fake: FakeSlack) -> None:
    fake.faults.add(Fault(status=200, body={"ok": False, "error": "ratelimited"}))
    before = datetime.now(UTC)
    reply = await runner.execute(post_hello)
    assert datetime.fromisoformat(reply["retryAt"]) >= before + timedelta(seconds=30)


async def test_a_wrong_token_is_named(app: Perdure, platform: FakePlatform, fake: FakeSlack) -> None:
    runner = JobRunner(app, platform, Slack("slack", token="xoxb-wrong", base_url=fake.api_url))
    reply = await runner.execute(post_hello)
    assert reply["status"] == "ERROR"
    assert reply["error"]["message"].endswith("invalid_auth (the token is wrong)")


async def test_the_token_may_come_from_the_environment(
    app: Perdure, platform: FakePlatform, fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    runner = JobRunner(app, platform, Slack("slack", base_url=fake.api_url))
    assert (await runner.execute(post_hello))["status"] == "SUCCESS"


async def test_without_any_token_the_error_says_where_to_put_it(
    app: Perdure, platform: FakePlatform, fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    runner = JobRunner(app, platform, Slack("slack", base_url=fake.api_url))
    reply = await runner.execute(post_hello)
    assert "give Slack(..., token=...) or set SLACK_BOT_TOKEN" in reply["error"]["message"]


async def test_no_proxy_is_heeded(
    runner: JobRunner, fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert (await runner.execute(post_hello))["status"] == "SUCCESS"


async def test_a_missing_scope_is_named(runner: JobRunner, fake: FakeSlack) -> None:
    fake.scopes = {"users:read"}
    reply = await runner.execute(post_hello)
    message = "Slack's chat.postMessage: missing_scope (the app needs the scope chat:write)"
    assert reply["error"]["message"] == message


async def test_any_other_call_is_a_task_too(runner: JobRunner, fake: FakeSlack, slack: Slack) -> None:
    def who_am_i(client: WebClient) -> str:
        return str(client.auth_test()["user"])

    async def ask(io: IO) -> str:
        return await slack.of(io).with_client("who", who_am_i)

    for _ in range(2):
        await runner.execute(ask)
    assert runner.results == ["perdure", "perdure"]
    assert len(fake.calls) == 1
    assert runner.run.task("who")["name"] == "Who am i"


def test_a_slack_error_is_one_of_perdures() -> None:
    assert issubclass(SlackError, PerdureError)


def test_an_empty_token_is_named() -> None:
    with pytest.raises(ConfigurationError, match="token is empty"):
        Slack("slack", token="")


def test_the_token_is_not_shown(slack: Slack) -> None:
    assert BOT_TOKEN not in repr(slack)
    assert BOT_TOKEN not in slack.config().model_dump_json()


def test_all_is_what_is_imported() -> None:
    public = {
        name
        for name, value in vars(perdure_slack).items()
        if isinstance(value, type) and value.__module__.startswith("perdure_slack.")
    }
    assert public == set(perdure_slack.__all__)
    assert sorted(perdure_slack.__all__) == perdure_slack.__all__


def test_the_package_loads_slack_sdk_only_when_it_calls() -> None:
    code = "import sys, perdure_slack; print(sorted({'slack_sdk', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
