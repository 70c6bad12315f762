"""The PostgreSQL of a system under test: durable, tuned the same for all, and its counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from perdure_engine.embedded import EmbeddedPostgres

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "512MB",
        "max_connections": "200",
        # No checkpoint within a measured part, and the WAL of one is there to be counted afterwards.
        "max_wal_size": "16GB",
        "checkpoint_timeout": "1h",
        "wal_keep_size": "8GB",
        "wal_recycle": "off",
        "jit": "off",
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.track": "top",
    }
)
"""Beside PostgreSQL's own: fsync, synchronous_commit and full_page_writes are on."""

DATABASE = "bench"

_EXTENSIONS: tuple[LiteralString, ...] = ("pg_stat_statements", "pg_walinspect", "pgstattuple")

_STATEMENTS = """
    select userid::text || ' ' || dbid || ' ' || queryid, query, calls, total_exec_time, wal_bytes::bigint
    from pg_stat_statements
"""
_WAL = """
    select
        coalesce(sum(s.count) filter (where s."resource_manager/record_type" = 'Transaction/COMMIT'), 0)::int,
        coalesce(sum(s.fpi_size), 0)::bigint
    from pg_get_wal_stats(%s, least(%s, pg_current_wal_flush_lsn()), true) as s
"""


@dataclass(frozen=True, slots=True)
class StatementWork:
    """What one statement, whatever its arguments, took."""

    text: str
    calls: int
    ms: float
    wal_bytes: int


@dataclass(frozen=True, slots=True)
class Counters:
    """What a server has done so far; statements by an id of theirs."""

    statements: Mapping[str, StatementWork]
    wal_position: str


@dataclass(frozen=True, slots=True)
class DatabaseWork:
    """What a server did between two looks.

    Args:
        statements: sent by clients, as pg_stat_statements counts them; what took longest first.
        commits: that wrote something, counted in the WAL: pg_stat_database comes up to ten seconds late.
        wal_bytes: with full pages, of which there is one for each page that is changed first after a start.
        full_page_bytes: of these.
    """

    statements: Sequence[StatementWork]
    commits: int
    wal_bytes: int
    full_page_bytes: int


class BenchPostgres:
    """An embedded server of one system. What the harness asks over ``watcher`` counts for nothing.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder, settings=SETTINGS, listen_port=0)
        self._watcher: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        """Start it; the first time with an empty database."""
        self._server.start()
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            if not connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchall():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        self._watcher = psycopg.connect(self.url(), autocommit=True)
        self._watcher.execute("set pg_stat_statements.track = 'none'")
        for extension in _EXTENSIONS:
            self._watcher.execute(f"create extension if not exists {extension} with schema public")

    def stop(self) -> None:
        """Stop it; its files stay."""
        if self._watcher:
            self._watcher.close()
            self._watcher = None
        self._server.stop()

    def delete(self) -> None:
        """Remove its files."""
        self.stop()
        self._server.delete()

    def url(self, database: str = DATABASE, *, tcp: bool = False) -> str:
        """For the superuser, through the socket or through 127.0.0.1."""
        return self._server.url(database, tcp=tcp)

    @property
    def watcher(self) -> psycopg.Connection[Any]:
        """The harness's own connection, in autocommit."""
        assert self._watcher is not None, "the server does not run"
        return self._watcher

    @property
    def watcher_pid(self) -> int:
        """The backend of ``watcher``."""
        return self.watcher.info.backend_pid

    @property
    def postmaster_pid(self) -> int:
        """The process that all others of the server descend from."""
        return int(self.value("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"))

    def value(self, query: LiteralString, *arguments: object) -> Any:
        """The first column of a statement's first row, over ``watcher``."""
        row = self.watcher.execute(query, arguments).fetchone()
        assert row is not None
        return row[0]

    def counters(self) -> Counters:
        """Look at what it has done so far."""
        rows = self.watcher.execute(_STATEMENTS).fetchall()
        statements = {id: StatementWork(*rest) for id, *rest in rows}
        return Counters(statements, self.value("select pg_current_wal_insert_lsn()::text"))

    def work_between(self, before: Counters, after: Counters) -> DatabaseWork:
        """What it did between two looks; reads the WAL in between."""
        start, end = before.wal_position, after.wal_position
        wal_bytes = int(self.value("select pg_wal_lsn_diff(%s, %s)", end, start))
        commits, full_page_bytes = 0, 0
        if wal_bytes:
            row = self.watcher.execute(_WAL, [start, end]).fetchone()
            assert row is not None
            commits, full_page_bytes = row
        return DatabaseWork(_difference(before, after), commits, wal_bytes, full_page_bytes)


def _difference(before: Counters, after: Counters) -> list[StatementWork]:
    nothing = StatementWork("", 0, 0.0, 0)
    found = []
    for id, total in after.statements.items():
        earlier = before.statements.get(id, nothing)
        calls, ms = total.calls - earlier.calls, total.ms - earlier.ms
        if calls:
            found.append(StatementWork(total.text, calls, ms, total.wal_bytes - earlier.wal_bytes))
    return sorted(found, key=lambda statement: -statement.ms)
