"""The fake GitHub against GitHub's own client library and its documented behaviour."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import githubkit
import httpx
import pytest
from githubkit.webhooks import parse, verify

from tests.support.fakes.faults import Fault
from tests.support.fakes.github import BOT_TOKEN, USER_TOKEN, FakeGitHub
from tests.support.fakes.receiver import Receiver

REPO = "/repos/acme/site"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as service:
        yield service


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as service:
        yield service


@pytest.fixture
def bot(github: FakeGitHub) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {BOT_TOKEN}"}
    with httpx.Client(base_url=github.url, headers=headers, trust_env=False) as client:
        yield client


def register(bot: httpx.Client, url: str, **more: object) -> httpx.Response:
    config = {"url": url, "content_type": "json", "secret": "s3cret"}
    return bot.post(f"{REPO}/hooks", json={"config": config, "events": ["issues"], **more})


def test_payloads_pass_the_strict_models_of_githubkit(github: FakeGitHub) -> None:
    repo = github.repositories["acme/site"]
    issue = github.open_issue(repo, "Broken link", body="On the front page.")
    issue.labels.append("bug")
    assert parse("issues", json.dumps(github.issues_event(repo, issue))).action == "opened"
    with githubkit.GitHub(BOT_TOKEN, base_url=github.url, auto_retry=False) as client:
        assert client.rest.issues.get("acme", "site", 1).parsed_data.title == "Broken link"
        comment = client.rest.issues.create_comment("acme", "site", 1, body="Seen").parsed_data
        assert comment.user is not None
        assert comment.user.login == "perdure-bot"
        assigned = client.rest.issues.add_assignees("acme", "site", 1, assignees=["matt"]).parsed_data
        assert [user.login for user in assigned.assignees or []] == ["matt"]
        hook = client.rest.repos.create_webhook(
            "acme", "site", config={"url": "http://127.0.0.1:9"}
        ).parsed_data
        assert hook.events == ["push"]


@pytest.mark.parametrize(
    ("method", "headers", "status", "message"),
    [
        ("GET", {"authorization": "Bearer wrong"}, 401, "Bad credentials"),
        ("GET", {}, 404, "Not Found"),
        ("POST", {}, 401, "Requires authentication"),
    ],
)
def test_a_call_without_a_good_token_is_refused(
    github: FakeGitHub, method: str, headers: dict[str, str], status: int, message: str
) -> None:
    path = f"{REPO}/issues/1/comments"
    answer = httpx.request(method, github.url + path, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (f"{REPO}/issues/1/comments", b"{", 400, "Problems parsing JSON"),
        (f"{REPO}/issues/1/comments", b"{}", 422, "wasn't supplied"),
        (f"{REPO}/issues/1/comments", b'{"body": " "}', 422, "body cannot be blank"),
        (f"{REPO}/issues/9/comments", b'{"body": "x"}', 404, "Not Found"),
        (f"{REPO}/issues", b'{"body": "x"}', 422, "missing_field"),
        ("/repos/acme/other/issues", b'{"title": "x"}', 404, "Not Found"),
        (f"{REPO}/hooks", b'{"config": {}}', 422, "missing_field"),
        (f"{REPO}/hooks", b'{"config": {"url": "http://x", "content_type": "xml"}}', 422, "invalid"),
        (f"{REPO}/hooks", b'{"config": {"url": "http://x"}, "events": ["team"]}', 422, "not valid: team"),
        ("/nowhere", b"{}", 404, "Not Found"),
    ],
)
def test_wrong_requests_get_githubs_errors(
    github: FakeGitHub, bot: httpx.Client, path: str, body: bytes, status: int, detail: str
) -> None:
    github.open_issue(github.repositories["acme/site"], "Broken link")
    answer = bot.post(path, content=body)
    assert answer.status_code == status
    assert detail in answer.text
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/rest")


def test_every_activity_moves_updated_at(github: FakeGitHub, bot: httpx.Client) -> None:
    github.open_issue(github.repositories["acme/site"], "Broken link")
    seen = [bot.get(f"{REPO}/issues/1").json()["updated_at"]]
    bot.post(f"{REPO}/issues/1/comments", json={"body": "Seen"})
    seen.append(bot.get(f"{REPO}/issues/1").json()["updated_at"])
    bot.post(f"{REPO}/issues/1/assignees", json={"assignees": ["matt"]})
    seen.append(bot.get(f"{REPO}/issues/1").json()["updated_at"])
    assert sorted(set(seen)) == seen


def test_unknown_assignees_are_ignored(github: FakeGitHub, bot: httpx.Client) -> None:
    github.open_issue(github.repositories["acme/site"], "Broken link")
    answer = bot.post(f"{REPO}/issues/1/assignees", json={"assignees": ["nobody", "matt"]})
    assert answer.status_code == 201
    assert [user["login"] for user in answer.json()["assignees"]] == ["matt"]


def test_a_new_hook_is_pinged_with_a_right_signature(
    github: FakeGitHub, bot: httpx.Client, receiver: Receiver
) -> None:
    assert register(bot, receiver.url).status_code == 201
    github.settle()
    (call,) = receiver.calls
    assert call.headers["x-github-event"] == "ping"
    assert call.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert call.headers["content-type"] == "application/json"
    assert verify("s3cret", receiver.bodies[0], call.headers["x-hub-signature-256"])
    assert verify("s3cret", receiver.bodies[0], call.headers["x-hub-signature"])
    assert parse("ping", receiver.bodies[0]).hook_id == call.body["hook_id"]


def test_an_issue_opened_over_the_api_is_delivered(
    github: FakeGitHub, bot: httpx.Client, receiver: Receiver
) -> None:
    register(bot, receiver.url)
    headers = {"authorization": f"Bearer {USER_TOKEN}"}
    assert bot.post(f"{REPO}/issues", json={"title": "Broken link"}, headers=headers).status_code == 201
    github.settle()
    delivery = next(call for call in receiver.calls if call.headers["x-github-event"] == "issues")
    assert (delivery.body["action"], delivery.body["sender"]["login"]) == ("opened", "mona")
    hook_id = github.repositories["acme/site"].hooks.popitem()[0]
    assert delivery.headers["x-github-hook-id"] == str(hook_id)


def test_a_redelivery_has_the_same_guid(github: FakeGitHub, bot: httpx.Client, receiver: Receiver) -> None:
    hook_id = register(bot, receiver.url).json()["id"]
    github.open_issue(github.repositories["acme/site"], "Broken link")
    github.settle()
    deliveries = bot.get(f"{REPO}/hooks/{hook_id}/deliveries").json()
    wanted = next(entry for entry in deliveries if entry["event"] == "issues")
    answer = bot.post(f"{REPO}/hooks/{hook_id}/deliveries/{wanted['id']}/attempts")
    assert answer.status_code == 202
    github.settle()
    guids = [
        c.headers["x-github-delivery"] for c in receiver.calls if c.headers["x-github-event"] == "issues"
    ]
    assert guids == [wanted["guid"]] * 2


def test_a_hook_with_form_content_is_signed_over_the_form(
    github: FakeGitHub, bot: httpx.Client, receiver: Receiver
) -> None:
    bot.post(
        f"{REPO}/hooks", json={"config": {"url": receiver.url, "secret": "s3cret"}, "events": ["issues"]}
    )
    github.settle()
    (call,) = receiver.calls
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.loads(call.body["payload"])["zen"]
    assert verify("s3cret", receiver.bodies[0], call.headers["x-hub-signature-256"])


def test_hooks_are_unique_and_their_secret_is_masked(bot: httpx.Client) -> None:
    hook = register(bot, "http://127.0.0.1:9/hook").json()
    assert hook["config"]["secret"] == "********"
    twin = register(bot, "http://127.0.0.1:9/hook")
    assert (twin.status_code, "Hook already exists" in twin.text) == (422, True)
    assert register(bot, "http://127.0.0.1:9/other").status_code == 201
    changed = bot.patch(
        f"{REPO}/hooks/{hook['id']}", json={"add_events": ["push"], "remove_events": ["issues"]}
    )
    assert changed.json()["events"] == ["push"]
    changed = bot.patch(f"{REPO}/hooks/{hook['id']}", json={"config": {"url": "http://127.0.0.1:9/hook"}})
    assert "secret" not in changed.json()["config"]  # a config without secret removes it
    assert bot.delete(f"{REPO}/hooks/{hook['id']}").status_code == 204
    assert bot.get(f"{REPO}/hooks/{hook['id']}").status_code == 404


def test_lists_come_in_pages_with_a_link_header(bot: httpx.Client) -> None:
    for number in range(3):
        register(bot, f"http://127.0.0.1:9/{number}")
    first = bot.get(f"{REPO}/hooks", params={"per_page": 2})
    assert (len(first.json()), set(first.links)) == (2, {"next", "last"})
    second = bot.get(first.links["next"]["url"])
    assert (len(second.json()), set(second.links)) == (1, {"prev", "first"})


def test_the_rate_limit_counts_down_and_refuses(github: FakeGitHub, bot: httpx.Client) -> None:
    reset = github.rate_limit.set(remaining=1, reset_in_s=60)
    assert bot.get(f"{REPO}/hooks").headers["x-ratelimit-remaining"] == "0"
    refused = bot.get(f"{REPO}/hooks")
    assert (refused.status_code, refused.headers["x-ratelimit-reset"]) == (403, str(reset))
    assert "rate limit exceeded" in refused.json()["message"]


def test_faults_refuse_hold_and_break_calls(github: FakeGitHub, bot: httpx.Client) -> None:
    github.limit_next_call(status=429, retry_after_s=7)
    limited = bot.get(f"{REPO}/hooks")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    github.faults.add(Fault(broken=True))
    with pytest.raises(httpx.RemoteProtocolError):
        bot.get(f"{REPO}/hooks")
    bot.post("/_faults", json={"held": True, "path": "/hooks"})
    with pytest.raises(httpx.ReadTimeout):
        bot.get(f"{REPO}/hooks", timeout=0.2)
    assert bot.post("/_release").status_code == 200
    github.calls.wait_for(lambda calls: len(calls) == 3)
    assert bot.get(f"{REPO}/hooks").status_code == 200


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.support.fakes.github", "--repo", "acme/shop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"authorization": f"Bearer {BOT_TOKEN}"}
            assert httpx.get(f"{url}/repos/acme/shop/hooks", headers=headers, trust_env=False).json() == []
            (call,) = httpx.get(f"{url}/_calls", trust_env=False).json()
            assert (call["path"], call["status"]) == ("/repos/acme/shop/hooks", 200)
            assert "authorization" not in call["headers"]
        finally:
            process.terminate()
        assert process.wait(timeout=10) in (0, -15)
