"""The platform, and the app under each version of the SDK; the runs of all modules go on at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from tests.support.fix_database import TestServer

from .packages import HERE, SDKS, install, why_no_node
from .provider import Provider, running_provider
from .system import JsApp, Platform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is in this folder when Node is not there."""
    here = [item for item in items if HERE in item.path.parents]
    if here and (reason := why_no_node()):
        for item in here:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def provider() -> Iterator[Provider]:
    """The third party."""
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="package")
def platform(
    postgres_server: TestServer, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Server and dispatcher over a database of their own."""
    name = f"perdure_js_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name),
        Platform(postgres_server.url(name), tmp_path_factory.mktemp("js"), provider) as platform,
    ):
        yield platform


@pytest.fixture(scope="package")
def apps(request: pytest.FixtureRequest, platform: Platform) -> Iterator[dict[str, JsApp]]:
    """The app under each version that this session tests, registered, the runs of all modules started."""
    here = [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function) and HERE in item.path.parents
    ]
    parameters = [item.callspec.params for item in here if hasattr(item, "callspec")]
    versions = {str(given["app"]) for given in parameters if "app" in given}
    modules = {item.module.__name__: getattr(item.module, "RUNS", {}) for item in here}
    with ExitStack() as stack:
        apps = {}
        for version in sorted(versions):
            install(SDKS[version])
            apps[version] = stack.enter_context(closing(JsApp(platform, version)))
        for app in apps.values():
            app.register()
        for module, runs in modules.items():
            for app in apps.values():
                app.start_all(module, runs)
        yield apps


@pytest.fixture(params=list(SDKS), scope="package")
def app(request: pytest.FixtureRequest, apps: dict[str, JsApp]) -> JsApp:
    """The app under one version."""
    return apps[request.param]


@pytest.fixture
def runs(request: pytest.FixtureRequest, app: JsApp) -> dict[str, str]:
    """The runs that this module wanted, by its names for them."""
    return app.started[request.module.__name__]


@pytest.fixture(params=list(SDKS))
def own_app(request: pytest.FixtureRequest, platform: Platform) -> Iterator[JsApp]:
    """An app, registered, that no other test uses: for what the platform remembers of an app."""
    install(SDKS[request.param])
    with closing(JsApp(platform, request.param)) as app:
        app.register()
        yield app
        platform.family.stop(app.process)
