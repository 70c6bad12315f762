"""The founding example's job, killed at every moment: the reminder comes, and ends the same way."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

from perdure import Perdure
from perdure.testing import Platform
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub
from tests.support.fakes.slack import BOT_TOKEN as SLACK_TOKEN
from tests.support.fakes.slack import FakeSlack

MODULE = "examples.github_reminder.app"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeGitHub, FakeSlack]]:
    with FakeGitHub() as github, FakeSlack() as slack:
        monkeypatch.delenv("REMINDER_DELAY_SECONDS", raising=False)
        monkeypatch.setenv("GITHUB_TOKEN", BOT_TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", SLACK_TOKEN)
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        yield github, slack


@pytest.fixture
def app(services: tuple[FakeGitHub, FakeSlack]) -> Perdure:
    """The app, loaded anew with the services' addresses."""
    sys.modules.pop(MODULE, None)
    app: Perdure = importlib.import_module(MODULE).app
    return app


@pytest.mark.perdure(crash="everywhere")
async def test_the_reminder_comes_whatever_is_killed(
    perdure_platform: Platform, services: tuple[FakeGitHub, FakeSlack], app: Perdure
) -> None:
    github, _ = services
    site = github.repositories["acme/site"]
    issue = github.open_issue(site, "Broken link")
    (job,) = app.jobs
    run = await perdure_platform.start(job, github.issues_event(site, issue))
    await run.advance(hours=24)
    await run.finish()
    assert run.output == "reminded"
    assert issue.assignees == ["matt"]
    assert [task.key for task in run.tasks] == ["wait", "get issue", "Slack reminder", "add assignee"]
