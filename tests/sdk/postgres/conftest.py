"""A database with an environment and two jobs, an app that belongs to it, and a scene for transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from perdure import Perdure, Trigger, event_trigger
from perdure.job import Job
from tests.sdk.postgres.scene import Host, Scene
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.builders import Builders, Environment, job
from tests.support.database import Database
from tests.support.fix_database import TestServer
from tests.support.http_server import serve

ORDERS = "create table public.orders (run_id text, note text)"
_numbers = count(1)


class Unlike(Trigger):
    """A trigger that is not on events."""

    def metadata(self) -> Any:
        """Not needed here: the jobs are registered already."""
        raise NotImplementedError

    def specification(self, payload_schema: Any) -> Any:
        """Nor this."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Direct:
    """An app in direct mode."""

    db: Database
    environment: Environment
    app: Perdure
    welcome: Job[..., Any, Any, Any]
    """Runs for ``user.created``."""
    tidy: Job[..., Any, Any, Any]
    """Runs for something else."""

    def events(self, name: str) -> list[Any]:
        """What anybody can see of the events of this name, oldest first."""
        return self.db.rows("select * from perdure_views.events where name = %s order by id", name)

    def jobs_run(self, event_id: str) -> list[str]:
        """The jobs of the runs that an event has started."""
        return [
            row.job
            for row in self.db.rows(
                "select job from perdure_views.runs where event = %s order by job", event_id
            )
        ]


@pytest.fixture(scope="module")
def direct(postgres_server: TestServer, template_database: str) -> Iterator[Direct]:
    """An app whose jobs are registered in a database of the module's own."""
    name = f"perdure_test_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name, template_database),
        Database(postgres_server.url(name)) as database,
    ):
        builders = Builders(database)
        endpoint = builders.endpoint(job("welcome", event="user.created"), job("tidy", event="never"))
        app = Perdure("shop", api_url="http://127.0.0.1:9", api_key=endpoint.environment.key)

        @app.job(id="welcome", version="1.0.0", on=event_trigger("user.created"))
        async def welcome(payload: Any, io: Any) -> None: ...

        @app.job(id="tidy", version="1.0.0", on=Unlike())
        async def tidy(payload: Any, io: Any) -> None: ...

        yield Direct(database, endpoint.environment, app, welcome, tidy)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = Host()
    with serve(host) as url:
        host.url = url
        yield host


@pytest.fixture(scope="module")
def platform(postgres_server: TestServer, template_database: str) -> Iterator[RealPlatform]:
    """A platform with a table of the app's beside it."""
    with real_platform(postgres_server, template_database) as system, system.db.as_role("none") as admin:
        admin.execute(ORDERS)
        admin.execute("grant select on public.orders to public")
        yield system


@pytest.fixture
def scene(platform: RealPlatform, host: Host) -> Scene:
    id = f"shop-{next(_numbers)}"
    app = platform.new_app(id)
    app.database = platform.db.url
    return Scene(platform, host, app, id)
