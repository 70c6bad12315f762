"""Where the databases of tests come from: an embedded Postgres, or one that is there already."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from perdure_engine.migrator import migrate

CLOCK = Path(__file__).with_name("clock.sql")
"""SQL that gives a migrated database the clock which tests move."""

_MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - not for a fixed name in it
_ENOUGH_BYTES = 2 << 30


class TestPostgres:
    """A server that tests may fill with databases. Nothing happens before the first database is wanted.

    Args:
        url: of a server to use instead of an embedded one, as a superuser.
    """

    __test__ = False  # no class of tests, in spite of its name

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._embedded: EmbeddedPostgres | None = None
        self._template: str | None = None

    def create_database(self) -> str:
        """A migrated database with the test clock; its URL, as a superuser."""
        if self._template is None:
            self._template = self._make_template()
        name = f"perdure_test_{uuid4().hex[:12]}"
        self._execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(self._template)
            )
        )
        return self._database_url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected."""
        self._drop(urlsplit(url).path.lstrip("/"))

    def close(self) -> None:
        """Stop the embedded server and remove its files; a server of the user's only loses the template."""
        if self._embedded is not None:
            self._embedded.delete()
            self._embedded = None
        elif self._template is not None:
            self._drop(self._template)
        self._template = None

    def _make_template(self) -> str:
        if self._url is None:
            self._embedded = EmbeddedPostgres(_fast_folder(), settings=FAST_SETTINGS).start()
        name = f"perdure_test_template_{uuid4().hex[:12]}"
        self._execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = self._database_url(name)
        migrate(url, echo=lambda _line: None)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(CLOCK.read_bytes())
        return name

    def _drop(self, name: str) -> None:
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement)

    @property
    def _server_url(self) -> str:
        if self._embedded is not None:
            return self._embedded.url()
        if self._url is None:
            raise RuntimeError("the embedded Postgres is not running")
        return self._url

    def _database_url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))


def _fast_folder() -> Path:
    """A new temporary folder, in memory if there is room: making a database is mostly making files."""
    in_memory = _MEMORY_DISK.is_dir() and shutil.disk_usage(_MEMORY_DISK).free > _ENOUGH_BYTES
    return Path(tempfile.mkdtemp(prefix="perdure-test-", dir=_MEMORY_DISK if in_memory else None))
