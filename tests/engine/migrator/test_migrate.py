"""Migrating: what is done, in which order, once, and by one at a time."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from perdure_engine.embedded.binaries import bundled_bin_dir
from perdure_engine.errors import MigrationFailed, MigrationRefused
from perdure_engine.migrator import SqlSource, migrate, status, uninstall
from perdure_engine.migrator.session import migration_session
from perdure_engine.migrator.state import ROLES
from tests.support.fix_database import TestServer
from tests.support.waiting import eventually

from .conftest import MakeSource, bare_database

ALL_STEPS = (
    "roles",
    "pgmq 1.13.0 from SQL",
    "queue perdure_ready_runs",
    "queue perdure_connected_runs",
    "migration 0001_initial",
    "3 function files",
)
QUEUE = "pgmq.q_perdure_ready_runs"


def quiet(_line: str) -> None:
    """An echo that nobody hears."""


def ask(url: str, *statements: str) -> Any:
    """The first value that the last statement returns, if it returns any."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_a_fresh_database_gets_everything(any_bare_url: str, source: SqlSource) -> None:
    url = any_bare_url
    lines: list[str] = []
    report = migrate(url, source=source, echo=lines.append)
    assert report.steps == ALL_STEPS
    assert lines == [f"-- done: {title}" for title in ALL_STEPS]
    assert report.changed
    assert ask(url, f"select count(*) from pg_roles where rolname = any(array{list(ROLES)})") == len(ROLES)
    assert ask(url, "select count(*) from pg_namespace where nspname like 'perdure%'") == 2
    strangers = """
        select array_agg(c.oid::regclass::text) from pg_class as c
        where c.relnamespace::regnamespace::text like 'perdure%' and c.relowner <> 'perdure_owner'::regrole
    """
    assert ask(url, strangers) is None
    for right in ("select", "insert", "update", "delete"):
        assert ask(url, f"select has_table_privilege('perdure_owner', '{QUEUE}', '{right}')")
    assert not ask(url, "select has_database_privilege('perdure_owner', current_database(), 'create')")
    assert ask(url, "select pg_has_role('perdure_server', 'perdure_app', 'usage')")
    assert ask(url, "set role perdure_app", "select perdure.count_things()") == 0


def test_the_second_time_there_is_nothing_to_do(any_bare_url: str, source: SqlSource) -> None:
    migrate(any_bare_url, source=source, echo=quiet)
    lines: list[str] = []
    report = migrate(any_bare_url, source=source, echo=lines.append)
    assert (report.steps, report.changed, lines) == ((), False, [])


def test_only_what_is_new_is_applied(bare_url: str, make_source: MakeSource) -> None:
    migrate(bare_url, source=make_source({}), echo=quiet)
    changed = make_source(
        {
            "migrations/0002_add_size.sql": "alter table perdure.things add column size integer;",
            "functions/things/count_things.sql": "",
            "functions/grants.sql": "revoke all on all functions in schema perdure from public;",
        }
    )
    before = status(bare_url, source=changed)
    assert (before.applied, before.pending, before.current) == (("0001_initial",), ("0002_add_size",), False)
    assert migrate(bare_url, source=changed, echo=quiet).steps == (
        "migration 0002_add_size",
        "2 function files",
    )
    after = status(bare_url, source=changed)
    assert (after.applied, after.pending, after.current) == (("0001_initial", "0002_add_size"), (), True)


def test_functions_are_loaded_again_when_one_changed(bare_url: str, make_source: MakeSource) -> None:
    migrate(bare_url, source=make_source({}), echo=quiet)
    changed = make_source({"functions/clock.sql": "-- a remark\n" + make_source({}).functions[0].text})
    assert migrate(bare_url, source=changed, echo=quiet).steps == ("3 function files",)
    assert ask(bare_url, "select count(*) from perdure.function_sets") == 2


def test_functions_may_call_each_other_in_any_order(bare_url: str, make_source: MakeSource) -> None:
    calls = "create function perdure.{0}() returns integer language sql as $$ select perdure.{1}() $$;"
    source = make_source(
        {"functions/things/a.sql": calls.format("a", "b"), "functions/things/b.sql": calls.format("b", "a")}
    )
    assert migrate(bare_url, source=source, echo=quiet).steps[-1] == "5 function files"


def test_a_file_may_ask_for_no_transaction(bare_url: str, make_source: MakeSource) -> None:
    source = make_source(
        {
            "migrations/0002_index_names.sql": "-- transaction: none\n"
            "create index concurrently things_name_idx on perdure.things (name);\n"
        }
    )
    migrate(bare_url, source=source, echo=quiet)
    assert ask(
        bare_url, "select indisvalid from pg_index where indexrelid = 'perdure.things_name_idx'::regclass"
    )
    owner = "select relowner::regrole::text from pg_class where oid = 'perdure.things_name_idx'::regclass"
    assert ask(bare_url, owner) == "perdure_owner"
    assert status(bare_url, source=source).current


def test_a_failure_names_file_and_line_and_leaves_no_trace(bare_url: str, make_source: MakeSource) -> None:
    half = "create table perdure.half (n integer);\n\n"
    broken = make_source({"migrations/0002_break.sql": half + "select * from perdure.nothing;\n"})
    with pytest.raises(MigrationFailed) as caught:
        migrate(bare_url, source=broken, echo=quiet)
    assert "migrations/0002_break.sql, line 3" in caught.value.message
    assert 'relation "perdure.nothing" does not exist' in caught.value.message
    assert "Nothing of this step was kept" in caught.value.message
    assert ask(bare_url, "select to_regclass('perdure.half')") is None
    assert ask(bare_url, "select count(*) from perdure.migrations") == 1
    mended = make_source({"migrations/0002_break.sql": half})
    assert migrate(bare_url, source=mended, echo=quiet).steps == ("migration 0002_break", "3 function files")


def test_a_function_file_that_fails_keeps_the_old_set(bare_url: str, make_source: MakeSource) -> None:
    migrate(bare_url, source=make_source({}), echo=quiet)
    clock = "create or replace function perdure.clock() returns timestamptz language sql stable return now();"
    broken = make_source(
        {"functions/clock.sql": clock, "functions/things/zero.sql": "create function perdure."}
    )
    with pytest.raises(MigrationFailed, match=r"failed in functions/things/zero\.sql, line 1: syntax error"):
        migrate(bare_url, source=broken, echo=quiet)
    assert (
        "statement_timestamp" in ask(bare_url, "select pg_get_functiondef('perdure.clock'::regproc)").lower()
    )
    assert ask(bare_url, "select count(*) from perdure.function_sets") == 1


def test_a_second_migrator_waits_and_finds_nothing_to_do(bare_url: str, source: SqlSource) -> None:
    lines: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        with migration_session(bare_url, echo=quiet, lock_wait_s=1):
            second = pool.submit(migrate, bare_url, source=source, echo=lines.append)
            eventually(
                lambda: lines == ["-- another migrator is at work; waiting for it"], what="the second to wait"
            )
            assert not second.done()
        assert second.result().steps == ALL_STEPS


def test_a_migrator_does_not_wait_forever(bare_url: str, source: SqlSource) -> None:
    with (
        migration_session(bare_url, echo=quiet, lock_wait_s=1),
        pytest.raises(MigrationRefused, match="look for a connection named 'perdure migrate'"),
    ):
        migrate(bare_url, source=source, echo=quiet, lock_wait_s=0)


def in_parallel(calls: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [call.result() for call in [pool.submit(call) for call in calls]]


def test_of_many_migrators_one_does_the_work(bare_url: str, source: SqlSource) -> None:
    reports = in_parallel([lambda: migrate(bare_url, source=source, echo=quiet)] * 4)
    assert sorted(len(report.steps) for report in reports) == [0, 0, 0, len(ALL_STEPS)]


def test_databases_of_one_cluster_may_migrate_at_once(pg18: TestServer, source: SqlSource) -> None:
    with bare_database(pg18) as first, pg18.janitor("bare_second"), pg18.janitor("bare_third"):
        urls = [first, pg18.url("bare_second"), pg18.url("bare_third")]
        in_parallel([lambda url=url: migrate(url, source=source, echo=quiet) for url in urls])  # type: ignore[misc]
        assert all(status(url, source=source).current for url in urls)
        for url in urls:
            uninstall(url, echo=quiet)


def test_a_dry_run_changes_nothing(bare_url: str, source: SqlSource) -> None:
    report = migrate(bare_url, source=source, dry_run=True, echo=quiet)
    assert (report.steps, report.dry_run) == (ALL_STEPS, True)
    assert ask(bare_url, "select count(*) from pg_roles where rolname like 'perdure%'") == 0
    assert ask(bare_url, "select count(*) from pg_namespace where nspname ~ '^(perdure|pgmq)'") == 0


def test_what_a_dry_run_prints_is_a_script_for_psql(any_bare_url: str, make_source: MakeSource) -> None:
    source = make_source(
        {
            "migrations/0002_index_names.sql": "-- transaction: none\n"
            "create index concurrently things_name_idx on perdure.things (name);\n"
        }
    )
    printed: list[str] = []
    migrate(any_bare_url, source=source, dry_run=True, echo=printed.append)
    psql = [str(bundled_bin_dir() / "psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", any_bare_url]
    done = subprocess.run(psql, input="\n".join(printed), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert status(any_bare_url, source=source).current
    assert migrate(any_bare_url, source=source, echo=quiet).steps == ()
