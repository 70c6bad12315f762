"""A server with people in an organization, and browsers to visit it with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from perdure_server.app import ServerApp, create_app
from perdure_server.dashboard.passwords import hash_password
from perdure_server.settings import Settings
from tests.server.dashboard.browser import PASSWORD, Browser
from tests.sql.accounts.people import People, found
from tests.support.database import Database

URL = "http://perdure.test"
_hashes: list[str] = []


@dataclass(frozen=True, slots=True)
class Office:
    """A started server with the first owner, ann@x.org, and the organization acme."""

    app: ServerApp
    people: People
    browser: Callable[[], Browser]

    @property
    def db(self) -> Database:
        """The database behind it."""
        return self.people.db

    async def visitor(self, role: str | None) -> Browser:
        """A browser of somebody who is logged in with this role; None: of nobody.

        ``stranger``: somebody who belongs to nothing.
        """
        browser = self.browser()
        if role is None:
            return browser
        email = "ann@x.org" if role == "first owner" else f"{role}@x.org"
        user_id = self.db.value("select id from perdure.users where email = %s", email)
        if user_id is None:
            user_id = self.people.join("viewer" if role == "stranger" else role, email)
        if role == "stranger":
            self.db.execute("delete from perdure.memberships where user_id = %s", user_id)
        elif role != "first owner":  # they may have left
            self.db.execute(
                "insert into perdure.memberships values (%s, %s, %s, now()) on conflict do nothing",
                self.people.organization,
                user_id,
                role,
            )
        token = self.db.call("open_session", user_id)
        browser.client.cookies.set("perdure_session", token, domain=urlsplit(URL).hostname or "")
        return browser


@pytest.fixture
async def bare(db_url: str) -> AsyncIterator[Callable[[], Browser]]:
    """Browsers of a server without an owner."""
    async with AsyncExitStack() as stack:
        app = create_app(Settings(db_url, access_log=False))
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield browsers(app, stack)


@pytest.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    people = found(db)
    async with AsyncExitStack() as stack:
        app = create_app(Settings(db.url, access_log=False))
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield Office(app, people, browsers(app, stack))


async def give_password(office: Office) -> None:
    """Let everybody log in with PASSWORD; hashing takes a while, so it is done once."""
    if not _hashes:
        _hashes.append(await hash_password(PASSWORD))
    office.db.execute("update perdure.users set password_hash = %s", _hashes[0])


def browsers(app: ServerApp, stack: AsyncExitStack) -> Callable[[], Browser]:
    """Makes browsers that visit the app, closed with the stack."""

    def browser() -> Browser:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)
        stack.push_async_callback(client.aclose)
        return Browser(client)

    return browser
