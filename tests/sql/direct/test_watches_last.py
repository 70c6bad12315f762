"""Watches live with their tables: through dumps and upgrades, and no longer than Perdure itself."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from perdure_engine.embedded.binaries import bundled_bin_dir
from perdure_engine.migrator import migrate, uninstall
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_database import TestServer


@pytest.fixture
def watched(db: Database) -> Iterator[Database]:
    """A superuser's connection to a database in which public.orders is watched."""
    environment = Builders(db).environment()
    with db.as_role("none") as admin:
        admin.execute("create table public.orders (id int)")
        admin.call("watch_table", environment.id, "public.orders", columns=["id"])
        yield admin


EVENTS = "select name from perdure_views.events order by id"


def test_a_watch_outlives_an_upgrade_of_the_functions(watched: Database) -> None:
    watched.execute("update perdure.function_sets set checksum = 'of another release'")
    report = migrate(watched.url, echo=lambda _line: None)
    assert report.changed
    watched.execute("insert into public.orders values (1)")
    assert [row.name for row in watched.rows(EVENTS)] == ["orders.inserted"]


def test_an_uninstall_leaves_the_table_without_the_watch(watched: Database) -> None:
    watched.close()
    uninstall(watched.url, echo=lambda _line: None)
    with psycopg.connect(watched.url) as connection:
        connection.execute("insert into public.orders values (1)")
        triggers = connection.execute("select count(*) from pg_trigger where not tgisinternal").fetchone()
        assert triggers == (0,)


def test_a_table_takes_its_watch_along(watched: Database) -> None:
    watched.execute("drop table public.orders")
    assert watched.rows("select from perdure_views.watched_tables") == []


@pytest.mark.skipif(not (bundled_bin_dir() / "pg_dump").exists(), reason="the embedded server has no pg_dump")
def test_a_watch_is_in_a_dump(
    watched: Database, postgres_server: TestServer, template_database: str, tmp_path: Path
) -> None:
    """Of the table alone, into a database that has Perdure."""
    dump = subprocess.run(
        [bundled_bin_dir() / "pg_dump", "--table", "public.orders", watched.url],
        capture_output=True,
        check=True,
    )
    name = f"perdure_test_{uuid4().hex[:12]}"
    with postgres_server.janitor(name, template_database), Database(postgres_server.url(name)) as other:
        script = tmp_path / "dump.sql"
        script.write_bytes(dump.stdout)
        command = [bundled_bin_dir() / "psql", "-X", "-q", "-f", script, other.url]
        subprocess.run(command, check=True, capture_output=True)
        rows = other.rows("select operation, event, shown from perdure_views.watched_tables order by 1")
        assert [(row.operation, row.event, row.shown) for row in rows] == [
            ("delete", "orders.deleted", ["id"]),
            ("insert", "orders.inserted", ["id"]),
            ("truncate", "orders.truncated", ["id"]),
            ("update", "orders.updated", ["id"]),
        ]
