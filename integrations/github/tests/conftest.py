"""A fake GitHub, and an app whose job does what a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from perdure import IO, Perdure, event_trigger
from perdure_github import GitHub
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub, Repository
from tests.support.fakes.platform import API_KEY, FakePlatform, FakeRun


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


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
def platform() -> Iterator[FakePlatform]:
    with FakePlatform() as service:
        yield service


@pytest.fixture
async def app(platform: FakePlatform) -> AsyncIterator[Perdure]:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    yield app
    await app.close()


@pytest.fixture
def github(fake: FakeGitHub) -> GitHub:
    return GitHub("github", token=BOT_TOKEN, base_url=fake.url)


@pytest.fixture
def declared() -> GitHub:
    """The integration where no call is made."""
    return GitHub("github", token=BOT_TOKEN)


class Runner:
    """Runs calls of ``io.github`` as the only thing a job does."""

    def __init__(self, app: Perdure, platform: FakePlatform, github: GitHub) -> None:
        self._app = app
        self._platform = platform
        self._github = github
        self.call: Callable[[IO], Awaitable[Any]] | None = None
        self.results: list[Any] = []
        self.run: FakeRun = platform.start("job", {})

        @app.job(id="job", version="0.1.0", on=event_trigger("test"), integrations=[github])
        async def job(payload: dict[str, Any], io: IO) -> None:
            assert self.call is not None
            self.results.append(await self.call(io))

    async def execute(self, call: Callable[[IO], Awaitable[Any]] | None = None) -> dict[str, Any]:
        """Execute the run (once more); ``results`` gets what the call gave."""
        self.call = call or self.call
        return await self._platform.execute(self._app, self.run)


@pytest.fixture
def runner(app: Perdure, platform: FakePlatform, github: GitHub) -> Runner:
    return Runner(app, platform, github)
