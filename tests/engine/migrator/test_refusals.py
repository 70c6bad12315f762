"""What the migrator refuses: each time what, why, and what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from perdure_engine.errors import DatabaseUnavailable, MigrationRefused
from perdure_engine.migrator import SqlSource, migrate, status, uninstall
from perdure_engine.migrator.plan import plan
from perdure_engine.migrator.session import open_connection
from perdure_engine.migrator.state import read_state

from .conftest import INITIAL, MakeSource
from .test_migrate import ALL_STEPS, ask, quiet


@contextmanager
def login(url: str, options: str = "", *, owns_database: bool = False) -> Iterator[str]:
    """A login of its own on the server of ``url``; gives the URL that uses it."""
    name, password = f"login_{uuid4().hex[:8]}", "secret"
    with psycopg.connect(url, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        role = sql.Identifier(name)
        admin.execute(sql.SQL("create role {} login password {}").format(role, password))
        if options:
            admin.execute(sql.SQL("alter role {} ").format(role) + sql.SQL(options))
        if owns_database:
            admin.execute(sql.SQL("alter database {} owner to {}").format(database, role))
        try:
            yield re.sub(r"//[^@]*@", f"//{name}:{password}@", url)
        finally:
            admin.execute(sql.SQL("alter database {} owner to postgres").format(database))
            admin.execute(sql.SQL("drop schema if exists perdure, perdure_views, pgmq cascade"))
            admin.execute(sql.SQL("drop owned by {}").format(role))
            admin.execute(sql.SQL("drop role {}").format(role))


def test_a_database_newer_than_the_release(bare_url: str, make_source: MakeSource) -> None:
    newer = make_source(
        {"migrations/0002_add_size.sql": "alter table perdure.things add column size integer;"}
    )
    migrate(bare_url, source=newer, echo=quiet)
    older = make_source({"migrations/0002_add_size.sql": ""})
    with pytest.raises(
        MigrationRefused, match=r"newer than this release: it has been through 0002_add_size.*Install"
    ):
        migrate(bare_url, source=older, echo=quiet)
    with pytest.raises(MigrationRefused, match="newer than this release"):
        status(bare_url, source=older)


def test_a_migration_edited_after_its_release(bare_url: str, make_source: MakeSource) -> None:
    migrate(bare_url, source=make_source({}), echo=quiet)
    edited = make_source({"migrations/0001_initial.sql": INITIAL + "-- a second thought\n"})
    with pytest.raises(
        MigrationRefused, match=r"migrations/0001_initial\.sql was edited after.*restore the file"
    ):
        migrate(bare_url, source=edited, echo=quiet)


def test_a_number_that_comes_too_late(bare_url: str, make_source: MakeSource) -> None:
    migrate(bare_url, source=make_source({"migrations/0003_later.sql": "select 1;"}), echo=quiet)
    late = make_source({"migrations/0002_earlier.sql": "select 1;"})
    with pytest.raises(
        MigrationRefused, match=r"0002_earlier comes before 0003.*give it the next free number"
    ):
        migrate(bare_url, source=late, echo=quiet)


def test_a_server_that_is_too_old(bare_url: str, source: SqlSource) -> None:
    with open_connection(bare_url) as conn:
        state = replace(read_state(conn), version=130011)
    with pytest.raises(MigrationRefused, match=r"PostgreSQL 13, and Perdure needs .* 14: upgrade the server"):
        plan(state, source)


def test_a_schema_of_somebody_else(bare_url: str, source: SqlSource) -> None:
    ask(bare_url, "create schema perdure")
    with pytest.raises(
        MigrationRefused, match="schema perdure that was not made by Perdure's migrations: rename"
    ):
        migrate(bare_url, source=source, echo=quiet)


def test_a_schema_pgmq_that_is_not_pgmq(bare_url: str, source: SqlSource) -> None:
    ask(bare_url, "create schema pgmq")
    with pytest.raises(
        MigrationRefused, match=r"pgmq .* does not hold the extension pgmq: rename or drop it"
    ):
        migrate(bare_url, source=source, echo=quiet)


def test_no_server() -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate("postgresql://nobody@127.0.0.1:1/nothing", echo=quiet)


def test_a_login_without_rights_is_told_what_an_administrator_must_run(
    any_bare_url: str, source: SqlSource
) -> None:
    with login(any_bare_url) as url:
        with pytest.raises(MigrationRefused) as caught:
            migrate(url, source=source, echo=quiet)
        message = caught.value.message
        assert "lacks the right to create the roles perdure_owner, perdure_server" in message
        assert "to install pgmq in this database" in message
        with psycopg.connect(any_bare_url, autocommit=True) as admin:
            for statement in re.findall(r"^    (.*;)$", message, re.MULTILINE):
                admin.execute(statement.encode())
        report = migrate(url, source=source, echo=quiet)
        assert report.steps == ALL_STEPS[1:]
        assert status(url, source=source).current


def test_a_login_that_is_not_the_owner_of_what_is_there(any_bare_url: str, source: SqlSource) -> None:
    migrate(any_bare_url, source=source, echo=quiet)
    with login(any_bare_url) as url:
        name = conninfo_to_dict(url)["user"]
        for call in (migrate, status):
            with pytest.raises(
                MigrationRefused, match=f'administrator run: grant perdure_owner to "{name}";'
            ):
                call(url, source=source)
        ask(any_bare_url, f"grant perdure_owner to {name}")
        assert migrate(url, source=source, echo=quiet).steps == ()


def test_an_owner_of_the_database_who_may_create_roles_needs_no_administrator(
    any_bare_url: str, source: SqlSource
) -> None:
    with login(any_bare_url, "createrole", owns_database=True) as url:
        assert migrate(url, source=source, echo=quiet).steps == ALL_STEPS
        assert migrate(url, source=source, echo=quiet).steps == ()
        for role in ("perdure_owner", "perdure_server", "perdure_dispatcher"):
            assert ask(url, f"set role {role}", "select current_user::text") == role
        assert uninstall(url, echo=quiet).kept == ()
        assert ask(any_bare_url, "select count(*) from pg_roles where rolname like 'perdure%'") == 0


def test_a_queue_that_the_login_may_not_make(any_bare_url: str, source: SqlSource) -> None:
    migrate(any_bare_url, source=source, echo=quiet)
    ask(any_bare_url, "select pgmq.drop_queue('perdure_ready_runs')")
    with login(any_bare_url) as url:
        ask(any_bare_url, f"grant perdure_owner to {conninfo_to_dict(url)['user']}; select 1")
        with pytest.raises(MigrationRefused, match="may not make the queue perdure_ready_runs") as caught:
            migrate(url, source=source, echo=quiet)
        with psycopg.connect(any_bare_url, autocommit=True) as admin:
            for statement in re.findall(r"^    (.*;)$", caught.value.message, re.MULTILINE):
                admin.execute(statement.encode())
        assert migrate(url, source=source, echo=quiet).steps == ("queue perdure_ready_runs",)
