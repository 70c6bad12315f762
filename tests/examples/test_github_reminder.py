"""The founding example's job, against the fakes: reminded, active, and how long it waits where."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from perdure import Perdure
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub, Issue, Repository
from tests.support.fakes.platform import API_KEY, FakePlatform, FakeRun
from tests.support.fakes.slack import BOT_TOKEN as SLACK_TOKEN
from tests.support.fakes.slack import CHANNEL, FakeSlack

MODULE = "examples.github_reminder.app"
JOB = "new-github-issue-reminder"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as service:
        yield service


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as service:
        yield service


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with FakePlatform() as service:
        yield service


class Example:
    """The app, loaded anew with the environment variables of a test."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform
        sys.modules.pop(MODULE, None)
        self.app: Perdure = importlib.import_module(MODULE).app

    async def execute(self, run: FakeRun) -> dict[str, Any]:
        return await self._platform.execute(self.app, run)


@pytest.fixture
def variables(
    github: FakeGitHub, slack: FakeSlack, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    monkeypatch.delenv("REMINDER_DELAY_SECONDS", raising=False)
    monkeypatch.setenv("PERDURE_API_URL", platform.url)
    monkeypatch.setenv("PERDURE_API_KEY", API_KEY)
    monkeypatch.setenv("GITHUB_TOKEN", BOT_TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("SLACK_BOT_TOKEN", SLACK_TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.api_url)
    return monkeypatch


@pytest.fixture
async def example(variables: pytest.MonkeyPatch, platform: FakePlatform) -> AsyncIterator[Example]:
    example = Example(platform)
    yield example
    await example.app.close()


@pytest.fixture
def site(github: FakeGitHub) -> Repository:
    return github.repositories["acme/site"]


@pytest.fixture
def issue(github: FakeGitHub, site: Repository) -> Issue:
    return github.open_issue(site, "Broken link")


@pytest.fixture
def run(platform: FakePlatform, github: FakeGitHub, site: Repository, issue: Issue) -> FakeRun:
    return platform.start(JOB, github.issues_event(site, issue), event_name="issues")


async def test_an_issue_without_activity_is_reminded_of(
    example: Example, run: FakeRun, slack: FakeSlack, github: FakeGitHub, issue: Issue
) -> None:
    assert (await example.execute(run))["status"] == "RESUME_WITH_TASK"
    assert await example.execute(run) == {"status": "SUCCESS", "output": "reminded"}
    (message,) = slack.messages
    assert message["channel"] == CHANNEL
    assert "<https://github.com/acme/site/issues/1|Broken link>" in message["text"]
    assert issue.assignees == ["matt"]
    assert [task["displayKey"] for task in run.tasks.values()] == [
        "wait",
        "get issue",
        "Slack reminder",
        "add assignee",
    ]


async def test_an_issue_with_activity_is_left_alone(
    example: Example, run: FakeRun, slack: FakeSlack, github: FakeGitHub, site: Repository, issue: Issue
) -> None:
    await example.execute(run)
    github.comment(site, issue, "I am on it.")
    assert await example.execute(run) == {"status": "SUCCESS", "output": "active"}
    assert (len(slack.calls), issue.assignees) == (0, [])


@pytest.mark.parametrize(
    ("environment_type", "delay", "seconds"),
    [
        ("PRODUCTION", None, 86_400),
        ("STAGING", None, 86_400),
        ("DEVELOPMENT", None, 60),
        ("PRODUCTION", "2.5", 2.5),
    ],
)
async def test_how_long_it_waits(
    variables: pytest.MonkeyPatch,
    platform: FakePlatform,
    run: FakeRun,
    environment_type: str,
    delay: str | None,
    seconds: float,
) -> None:
    if delay is not None:
        variables.setenv("REMINDER_DELAY_SECONDS", delay)
    platform.environment_type = environment_type
    reply = await Example(platform).execute(run)
    assert reply["task"]["delaySeconds"] == seconds
