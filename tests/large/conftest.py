"""An environment with a million runs, made once for all tests here: ``make test-large``, some minutes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.applications import Starlette

from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.large.seed import seed
from tests.server.dashboard.browser import Browser
from tests.server.dashboard.conftest import Office, browsers
from tests.server.dashboard.hostile import Planted, plant
from tests.server.dashboard.walks import PLACE
from tests.sql.accounts.people import found
from tests.support.builders import Environment
from tests.support.database import Database
from tests.support.fix_database import SERVER_VARIABLES, SETTINGS, TestServer

_HERE = Path(__file__).parent
# seed() gathers statistics itself, at the end.
_QUIET = {"max_wal_size": "1GB", "autovacuum": "off"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """These tests run only when somebody names them: not with all others."""
    named = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(_HERE in (path, *path.parents) for path in named) else True


@dataclass(frozen=True, slots=True)
class Large:
    """The database, and what is in it."""

    office: Office
    environment: Environment
    planted: Planted
    """A few things of every kind, for the parameters of paths."""

    @property
    def db(self) -> Database:
        """The database."""
        return self.office.db

    def run(self, status: str) -> str:
        """One of the million runs that stands like that."""
        run_id: str = self.db.value(
            "select r.id from perdure.runs as r inner join perdure.endpoints as p on p.id = r.endpoint_id"
            " where p.slug = 'large' and r.status = %s order by r.id desc limit 1",
            status,
        )
        return run_id


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server on a disk, not in memory: there are gigabytes."""
    if url := next((os.environ[name] for name in SERVER_VARIABLES if os.environ.get(name)), None):
        yield TestServer(url)
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("large"), settings={**SETTINGS, **_QUIET})
    try:
        server.start()
        yield TestServer(server.url())
    finally:
        server.delete()


@pytest.fixture(scope="session")
def large(postgres_server: TestServer, template_database: str) -> Iterator[Large]:
    """One environment with a few things of every kind, and a million runs."""
    name = f"perdure_large_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name, template_database),
        Database(postgres_server.url(name)) as db,
    ):
        office = Office(Starlette(), found(db), _no_browser)
        planted = plant(office)
        environment_id = db.call("get_environment", PLACE["project"], PLACE["environment"])
        environment = Environment(environment_id, PLACE["project"], PLACE["environment"], key="")
        seed(db, environment)
        yield Large(office, environment, planted)


@pytest.fixture
async def browser(large: Large) -> AsyncIterator[Browser]:
    """The first owner, at a server over that database."""
    async with AsyncExitStack() as stack:
        app = create_app(Settings(large.db.url, access_log=False))
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield await Office(app, large.office.people, browsers(app, stack)).visitor("first owner")


def _no_browser() -> Browser:
    raise AssertionError("no server is started yet")
