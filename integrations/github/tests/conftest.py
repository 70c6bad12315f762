"""A fake GitHub, and an app whose job does what a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure import Perdure
from perdure_github import GitHub
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub, Repository
from tests.support.fakes.platform import FakePlatform
from tests.support.job_runner import JobRunner, anyio_backend, app, platform

__all__ = ["anyio_backend", "app", "platform"]  # fixtures


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub() as service:
        yield service


@pytest.fixture
def site(fake: FakeGitHub) -> Repository:
    """The repository acme/site, with one open issue."""
    repo = fake.repositories["acme/site"]
    fake.open_issue(repo, "Broken link", body="On the front page.")
    return repo


@pytest.fixture
def github(fake: FakeGitHub) -> GitHub:
    return GitHub("github", token=BOT_TOKEN, base_url=fake.url)


@pytest.fixture
def declared() -> GitHub:
    """The integration where no call is made."""
    return GitHub("github", token=BOT_TOKEN)


@pytest.fixture
def runner(app: Perdure, platform: FakePlatform, github: GitHub) -> JobRunner:
    return JobRunner(app, platform, github)
