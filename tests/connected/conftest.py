"""A real server, a dispatcher for what falls due, and an app that is connected to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from perdure import Perdure
from perdure_dispatcher.main import dispatch
from perdure_dispatcher.settings import Settings as DispatcherSettings
from perdure_server.app import create_app
from perdure_server.connect.protocol import MessageProtocol
from perdure_server.settings import Settings
from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.http_server import serve


@dataclass
class World:
    """A database with a server in front of it.

    Args:
        url: the server's.
    """

    db: Database
    environment: Environment
    url: str
    server_settings: Settings

    def app(self, id: str = "worker") -> Perdure:
        """An app that calls this server."""
        return Perdure(id, api_url=self.url, api_key=self.environment.key, patience_s=5)

    def status(self, run_id: str) -> str:
        """A run's status."""
        status: str = self.db.value("select status from perdure.runs where id = %s", run_id)
        return status

    def statuses(self) -> list[str]:
        """Those of all runs, in their order."""
        return [row.status for row in self.db.rows("select status from perdure.runs order by id")]

    @contextmanager
    def other_server(self, port: int = 0) -> Iterator[str]:
        """A second server on the same database; gives its URL."""
        with serve(create_app(self.server_settings), port=port, ws=MessageProtocol) as url:
            yield url


@pytest.fixture
def world(db: Database, db_url: str, builders: Builders) -> Iterator[World]:
    settings = Settings(db_url, database_timeout_s=10)
    with serve(create_app(settings), ws=MessageProtocol) as url:
        yield World(db, builders.environment("prod"), url, settings)


@pytest.fixture
async def dispatcher(db_url: str) -> AsyncIterator[None]:
    """A dispatcher: it promotes what is due; executions of connected apps are none of its business."""
    stop = asyncio.Event()
    running = asyncio.create_task(dispatch(DispatcherSettings(db_url, drain_s=0), stop))
    yield
    stop.set()
    await running


@asynccontextmanager
async def connected(app: Perdure, **options: Any) -> AsyncIterator[Any]:
    """The app, connected."""
    async with app.connection(**options) as connection:
        yield connection
    await app.close()
