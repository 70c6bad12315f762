"""A database with an environment and two jobs, an app that belongs to it, and connections of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from perdure import Perdure, Trigger, event_trigger
from perdure.job import Job
from tests.support.builders import Builders, Environment, job
from tests.support.database import Database
from tests.support.fix_database import TestServer


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


def sqlalchemy_url(url: str, driver: str) -> str:
    """A URL of ours as SQLAlchemy has it."""
    return url.replace("postgresql://", f"postgresql+{driver}://", 1)


def django_connection(url: str) -> Any:
    """What ``django.db.connection`` is, for a database under an alias of its own; close it in the end."""
    import django
    import django.conf
    import django.db
    from django.utils.connection import ConnectionProxy
    from psycopg.conninfo import conninfo_to_dict

    if not django.conf.settings.configured:
        django.conf.settings.configure()
    django.setup()
    parts = conninfo_to_dict(url)
    alias = f"perdure_{parts['dbname']}"
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
    }
    handler = django.db.connections
    handler.databases[alias] = handler.configure_settings({"default": {}, alias: settings})[alias]
    return ConnectionProxy(handler, alias)
