"""Databases without anything of ours, where roles may come and go, and small trees of SQL files."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from perdure_engine.embedded import FAST_SETTINGS
from perdure_engine.migrator import SqlSource
from perdure_engine.migrator.state import ROLES
from tests.engine.conftest import MakeServer
from tests.support.fix_database import TestServer

PG15_VARIABLE = "PERDURE_TEST_PG15_URL"
PG15_BIN = Path("/usr/lib/postgresql/15/bin")

INITIAL = """\
-- 0001_initial.sql: what the migrator itself needs.
create schema perdure;
create schema perdure_views;
create table perdure.migrations (
    number integer primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now()
);
create table perdure.function_sets (
    id integer generated always as identity primary key, checksum text not null, release text not null,
    applied_at timestamptz not null default now()
);
create table perdure.things (id integer primary key, name text not null);
"""
CLOCK = """\
create or replace function perdure.clock() returns timestamptz language sql stable
return statement_timestamp();
"""
COUNT_THINGS = """\
create or replace function perdure.count_things() returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$ begin return (select count(*) from perdure.things); end; $$;
"""
GRANTS = """\
revoke all on all functions in schema perdure from public;
grant usage on schema perdure to perdure_app;
grant execute on function perdure.count_things to perdure_app;
"""

MakeSource = Callable[[dict[str, str]], SqlSource]


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Makes a source from files by path; the small tree above with these files on top; ``""`` removes one."""
    files = {
        "migrations/0001_initial.sql": INITIAL,
        "functions/clock.sql": CLOCK,
        "functions/things/count_things.sql": COUNT_THINGS,
        "functions/grants.sql": GRANTS,
    }

    def make(changes: dict[str, str]) -> SqlSource:
        files.update(changes)
        shutil.rmtree(tmp_path, ignore_errors=True)
        for name, text in files.items():
            if text:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text)
        return SqlSource(tmp_path)

    return make


@pytest.fixture
def source(make_source: MakeSource) -> SqlSource:
    """The small tree."""
    return make_source({})


@pytest.fixture(scope="session")
def pg18(make_lasting_server: MakeServer) -> TestServer:
    """The bundled server."""
    return TestServer(make_lasting_server(listen_port=0).start().url(tcp=True))


@pytest.fixture(scope="session")
def pg15(make_lasting_server: MakeServer) -> TestServer:
    """A stock PostgreSQL 15: the one in the environment, else one of our own from Debian's programs."""
    if url := os.environ.get(PG15_VARIABLE):
        return TestServer(url)
    if not (PG15_BIN / "initdb").exists():
        pytest.skip(f"no PostgreSQL 15: set {PG15_VARIABLE}, or install Debian's package postgresql-15")
    return TestServer(
        make_lasting_server(listen_port=0, bin_dir=PG15_BIN, settings=FAST_SETTINGS).start().url(tcp=True)
    )


@pytest.fixture(params=["pg15", "pg18"])
def any_server(request: pytest.FixtureRequest) -> TestServer:
    """Each of the servers in turn."""
    server: TestServer = request.getfixturevalue(request.param)
    return server


@contextmanager
def bare_database(server: TestServer) -> Iterator[str]:
    """A fresh database; our roles are gone before and after."""
    name = f"bare_{uuid4().hex[:12]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        _drop_roles(admin)
        try:
            with server.janitor(name):
                yield server.url(name)
        finally:
            _drop_roles(admin)


def _drop_roles(admin: psycopg.Connection) -> None:
    for role in ROLES:
        admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


@pytest.fixture
def bare_url(pg18: TestServer) -> Iterator[str]:
    """A fresh database on the bundled server, as a superuser, in a cluster without our roles."""
    with bare_database(pg18) as url:
        yield url


@pytest.fixture
def any_bare_url(any_server: TestServer) -> Iterator[str]:
    """The same on each of the servers in turn."""
    with bare_database(any_server) as url:
        yield url
