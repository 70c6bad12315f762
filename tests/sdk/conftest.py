"""A fake platform over real HTTP, and an app that is configured for it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from perdure import Perdure
from tests.sdk.fake_platform import API_KEY, FakePlatform
from tests.support.http_server import serve


class _Switch:
    """The app of the one server of the session: each test puts its own platform in."""

    platform: FakePlatform

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        await self.platform(scope, receive, send)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def platform_server() -> Iterator[tuple[_Switch, str]]:
    switch = _Switch()
    switch.platform = FakePlatform()
    with serve(switch) as url:
        yield switch, url


@pytest.fixture
def platform(platform_server: tuple[_Switch, str]) -> FakePlatform:
    switch, url = platform_server
    switch.platform = FakePlatform()
    switch.platform.url = url
    return switch.platform


@pytest.fixture
async def app(platform: FakePlatform) -> AsyncIterator[Perdure]:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY, patience_s=0.3)
    yield app
    await app.close()
