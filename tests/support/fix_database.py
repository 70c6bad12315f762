"""Fixtures: a server for the session, a migrated template, and a fresh database for each test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pytest_postgresql.janitor import DatabaseJanitor

from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from perdure_engine.migrator import migrate
from tests.support.database import Database

SERVER_VARIABLES = ("PERDURE_TEST_DATABASE_URL", "DATABASE_URL")
"""A server to test on instead of an embedded one, as a superuser: the first of these that is set."""


_CLOCK = Path(__file__).parents[2] / "py/testing/src/perdure_testing/clock.sql"
_MEMORY_DISK = Path("/dev/shm")  # noqa: S108  # not for a fixed name in it
_ENOUGH = 2 << 30  # bytes

SETTINGS = {**FAST_SETTINGS, "max_connections": "200", "max_wal_size": "256MB", "min_wal_size": "32MB"}
"""Of the embedded server; its write-ahead log stays small, because it may lie in memory."""


def fast_folder(prefix: str) -> Path:
    """A new temporary folder, in memory if there is room.

    Making a database is mostly making files: on a disk that others use, too, it takes ten times as long.
    """
    in_memory = _MEMORY_DISK.is_dir() and shutil.disk_usage(_MEMORY_DISK).free > _ENOUGH
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY_DISK if in_memory else None))


class _Janitor(DatabaseJanitor):
    """Copies a template by its files: half the time of a copy that goes through the write-ahead log."""

    def init(self) -> None:
        """Create the database."""
        if not self.template_dbname:
            super().init()
            return
        with self.cursor() as cursor:
            by_files = cursor.connection.info.server_version >= 150000  # older servers know no other way
            cursor.execute(
                sql.SQL("create database {} template {}{}").format(
                    sql.Identifier(self.dbname),
                    sql.Identifier(self.template_dbname),
                    sql.SQL(" strategy file_copy" if by_files else ""),
                )
            )


class TestServer:
    """A server that tests may fill with databases.

    Args:
        url: of its maintenance database, as a superuser.
    """

    __test__ = False  # no class of tests, in spite of its name

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        """The URL of a database on this server."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def janitor(
        self, database: str, template: str | None = None, *, as_template: bool = False
    ) -> DatabaseJanitor:
        """Makes the database on entry, and drops it on exit, whoever is connected."""
        parts = conninfo_to_dict(self._url)
        return _Janitor(
            user=str(parts["user"]),
            password=str(parts["password"]) if parts.get("password") else None,
            host=str(parts["host"]),
            port=str(parts.get("port", 5432)),
            dbname=database,
            template_dbname=template,
            as_template=as_template,
            maintenance_dbname=str(parts.get("dbname", "postgres")),
        )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """The server of this session: the one in the environment, else an embedded one, each worker its own."""
    if url := next((os.environ[name] for name in SERVER_VARIABLES if os.environ.get(name)), None):
        yield TestServer(url)
        return
    server = EmbeddedPostgres(fast_folder("perdure-tests-"), settings=SETTINGS)
    try:
        server.start()
        yield TestServer(server.url())
    finally:
        server.delete()


@pytest.fixture(scope="session")
def perdure_postgres_url(postgres_server: TestServer) -> str:
    """Where the test kit makes its databases: on the server of this session."""
    return postgres_server.url("postgres")


@pytest.fixture(scope="session")
def template_database(postgres_server: TestServer) -> Iterator[str]:
    """The name of a migrated database with the test clock, from which the others are copied."""
    name = f"perdure_template_{uuid4().hex[:12]}"
    with postgres_server.janitor(name, as_template=True):
        url = postgres_server.url(name)
        migrate(url, echo=lambda _line: None)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_CLOCK.read_bytes())
        yield name


@pytest.fixture
def db_url(postgres_server: TestServer, template_database: str) -> Iterator[str]:
    """The URL of a fresh, migrated database, as a superuser."""
    name = f"perdure_test_{uuid4().hex[:12]}"
    with postgres_server.janitor(name, template_database):
        yield postgres_server.url(name)


@pytest.fixture
def empty_db_url(postgres_server: TestServer) -> Iterator[str]:
    """The URL of a fresh, empty database, as a superuser."""
    name = f"perdure_test_{uuid4().hex[:12]}"
    with postgres_server.janitor(name):
        yield postgres_server.url(name)


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A fresh, migrated database, acting as its owner."""
    with Database(db_url) as database:
        yield database
