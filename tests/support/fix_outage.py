"""A fixture: the database of a test goes away and comes back, for the server."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.support.fix_database import TestServer


class Outage:
    """Makes one database unreachable: no connection is accepted and the present ones end, as in a restart."""

    def __init__(self, maintenance: psycopg.Connection[Any], database: str) -> None:
        self._maintenance = maintenance
        self._database = database

    def begin(self) -> None:
        """From now on."""
        self._allow_connections(False)
        self.break_connections()

    def end(self) -> None:
        """It can be reached again."""
        self._allow_connections(True)

    def break_connections(self) -> None:
        """End the server's connections; new ones are accepted."""
        self._maintenance.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = %s and application_name = 'perdure-server'",
            [self._database],
        )

    def _allow_connections(self, allow: bool) -> None:
        self._maintenance.execute(
            sql.SQL("alter database {} with allow_connections {}").format(
                sql.Identifier(self._database), allow
            )
        )


@pytest.fixture
def outage(postgres_server: TestServer, db_url: str) -> Iterator[Outage]:
    """Of the test's database."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as maintenance:
        outage = Outage(maintenance, urlsplit(db_url).path.removeprefix("/"))
        yield outage
        outage.end()
