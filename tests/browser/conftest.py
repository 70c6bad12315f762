"""A browser, and the system that it visits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from tests.browser.people import become_owner
from tests.browser.system import Environment, System, running
from tests.js.packages import BROWSER, install, why_no_node
from tests.support.fix_database import TestServer

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is in this folder when there is no browser, or no Node to get packages with."""
    reason = why_no_node() or (None if CHROMIUM else "chromium is not installed (Debian's package chromium)")
    for item in items:
        if reason and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def packages() -> Path:
    """Where the npm packages are."""
    install(BROWSER)
    return BROWSER / "node_modules"


@pytest.fixture(scope="package")
def system(
    postgres_server: TestServer, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Server and dispatcher over a database of their own."""
    name = f"perdure_browser_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name, template_database),
        running(postgres_server.url(name), tmp_path_factory.mktemp("browser")) as system,
    ):
        yield system


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium. Meanwhile no other event loop can run in this thread."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"]  # root may not have one; it visits our own pages only
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def login(system: System) -> StorageState:
    """The owner's: the first account, made by the link that the server printed."""
    (link,) = (line.split()[-1] for line in system.server.lines if "/dashboard/owner?link=" in line)
    with chromium() as browser, browser.new_context() as context:
        become_owner(context.new_page(), link)
        return context.storage_state()


@pytest.fixture(scope="module")
def browser(login: StorageState) -> Iterator[Browser]:
    """A browser for a module, closed before async tests of other folders begin."""
    with chromium() as browser:
        yield browser


NewPage = Callable[..., Page]
"""A page in a browser of its own; with ``logged_in=True`` the owner's. Others are options of Playwright's."""


@pytest.fixture
def new_page(browser: Browser, system: System, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Makes pages; what goes wrong in their scripts fails the test."""
    errors: list[str] = []
    with ExitStack() as stack:

        def make(*, logged_in: bool = False, **options: Any) -> Page:
            state = request.getfixturevalue("login") if logged_in else None
            context = stack.enter_context(
                browser.new_context(base_url=system.url, storage_state=state, **options)
            )
            context.set_default_timeout(10_000)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: dialog.accept())  # what is asked before something is done
            return page

        yield make
    assert errors == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """Of nobody."""
    return new_page()


@pytest.fixture
def owner(new_page: NewPage) -> Page:
    """Of the owner, who has logged in."""
    return new_page(logged_in=True)


@pytest.fixture(scope="package")
def works(system: System, login: StorageState) -> Environment:
    """The environment of the app ``works``, which is served and registered."""
    environment = system.environment("works")
    system.serve(environment, "works:asgi", HERE / "app", path="/api/perdure/", app_id="works")
    return environment
