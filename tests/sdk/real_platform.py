"""The real server and dispatcher over a database of their own, for an app in the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

from perdure import Perdure
from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.dispatcher.running import running_dispatcher
from tests.support.builders import SDK, Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_database import TestServer
from tests.support.http_server import serve


class RealPlatform:
    """Server and dispatcher under way.

    Args:
        db: their database.
        url: of the server.
        stack: ends what is started here.
    """

    def __init__(self, db: Database, url: str, stack: ExitStack) -> None:
        self.db = db
        self.url = url
        self.clock = Clock(db)
        self.environment = Builders(db).environment("prod")  # in development the first failure is the last
        self._stack = stack

    def new_app(self, id: str = "app") -> Perdure:
        """An app with the environment's key, without jobs."""
        return Perdure(id, api_url=self.url, api_key=self.environment.key, patience_s=5)

    def register(self, app: Perdure) -> None:
        """Serve an app whose jobs are all declared, and have the platform know it."""
        url = self._stack.enter_context(serve(app.asgi()))
        row = self.db.call("register_endpoint", self.environment.id, app.id, url)
        self.db.call("index_endpoint", row["id"], app.manifest().to_wire(), SDK)


@contextmanager
def real_platform(server: TestServer, template: str) -> Iterator[RealPlatform]:
    """A platform over a fresh database; it ends with the block."""
    name = f"perdure_sdk_{uuid4().hex[:12]}"
    with ExitStack() as stack:
        stack.enter_context(server.janitor(name, template))
        url = server.url(name)
        db = stack.enter_context(Database(url))
        api = stack.enter_context(serve(create_app(Settings(url, access_log=False))))
        stack.enter_context(running_dispatcher(url, max_sleep_s=3600))
        yield RealPlatform(db, api, stack)
