"""A fake Slack, and an app whose job does what a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from perdure import IO, Perdure, event_trigger
from perdure_slack import Slack
from tests.support.fakes.platform import API_KEY, FakePlatform, FakeRun
from tests.support.fakes.slack import BOT_TOKEN, FakeSlack


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as service:
        yield service


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with FakePlatform() as service:
        yield service


@pytest.fixture
async def app(platform: FakePlatform) -> AsyncIterator[Perdure]:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    yield app
    await app.close()


@pytest.fixture
def slack(fake: FakeSlack) -> Slack:
    return Slack("slack", token=BOT_TOKEN, base_url=fake.api_url)


class Runner:
    """Runs calls of ``io.slack`` as the only thing a job does."""

    def __init__(self, app: Perdure, platform: FakePlatform, slack: Slack) -> None:
        self._app = app
        self._platform = platform
        self.call: Callable[[IO], Awaitable[Any]] | None = None
        self.results: list[Any] = []
        self.run: FakeRun = platform.start("job", {})

        @app.job(id="job", version="0.1.0", on=event_trigger("test"), integrations=[slack])
        async def job(payload: dict[str, Any], io: IO) -> None:
            assert self.call is not None
            self.results.append(await self.call(io))

    async def execute(self, call: Callable[[IO], Awaitable[Any]] | None = None) -> dict[str, Any]:
        """Execute the run (once more); ``results`` gets what the call gave."""
        self.call = call or self.call
        return await self._platform.execute(self._app, self.run)


@pytest.fixture
def runner(app: Perdure, platform: FakePlatform, slack: Slack) -> Runner:
    return Runner(app, platform, slack)
