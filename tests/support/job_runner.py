"""An app with one job, on the fake platform: for tests of integrations, which live beside their code.

Their ``conftest.py`` imports the fixtures by name, so that each integration's tests also run alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from perdure import IO, Perdure, event_trigger
from perdure_integrations import Integration
from tests.support.fakes.platform import API_KEY, FakePlatform, FakeRun


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of async tests."""
    return "asyncio"


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """A platform without a database."""
    with FakePlatform() as service:
        yield service


@pytest.fixture
async def app(platform: FakePlatform) -> AsyncIterator[Perdure]:
    """An app that speaks with ``platform``."""
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    yield app
    await app.close()


class JobRunner:
    """Runs calls of an integration as the only thing a job does."""

    def __init__(self, app: Perdure, platform: FakePlatform, integration: Integration) -> None:
        self._app = app
        self._platform = platform
        self.call: Callable[[IO], Awaitable[Any]] | None = None
        self.results: list[Any] = []
        self.run: FakeRun = platform.start("job", {})

        @app.job(id="job", version="0.1.0", on=event_trigger("test"), integrations=[integration])
        async def job(payload: dict[str, Any], io: IO) -> None:
            assert self.call is not None
            self.results.append(await self.call(io))

    async def execute(self, call: Callable[[IO], Awaitable[Any]] | None = None) -> dict[str, Any]:
        """Execute the run (once more); ``results`` gets what the call gave."""
        self.call = call or self.call
        return await self._platform.execute(self._app, self.run)
