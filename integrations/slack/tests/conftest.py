"""A fake Slack, and an app whose job does what a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure import Perdure
from perdure_slack import Slack
from tests.support.fakes.platform import FakePlatform
from tests.support.fakes.slack import BOT_TOKEN, FakeSlack
from tests.support.job_runner import JobRunner, anyio_backend, app, platform

__all__ = ["anyio_backend", "app", "platform"]  # fixtures


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as service:
        yield service


@pytest.fixture
def slack(fake: FakeSlack) -> Slack:
    return Slack("slack", token=BOT_TOKEN, base_url=fake.api_url)


@pytest.fixture
def runner(app: Perdure, platform: FakePlatform, slack: Slack) -> JobRunner:
    return JobRunner(app, platform, slack)
