"""The SQL files: their order, their checksums, and names that are refused."""

from pathlib import Path

import pytest

from perdure_engine.errors import MigrationRefused
from perdure_engine.migrator import SqlSource, default_source

from .conftest import MakeSource


def test_functions_load_in_an_order_that_their_dependencies_allow(make_source: MakeSource) -> None:
    paths = [
        "clock.sql",
        "_iso.sql",
        "new_id.sql",
        "admin/doctor.sql",
        "runs/claim_runs.sql",
        "things/count_things.sql",
        "views/runs.sql",
        "runs/tg_runs__check_status.sql",
        "grants.sql",
    ]
    source = make_source({f"functions/{path}": "select 1;" for path in sorted(paths)})
    assert [file.path.removeprefix("functions/") for file in source.functions] == paths


def test_what_is_looked_up_at_once_is_loaded_first(make_source: MakeSource) -> None:
    standard, text = "create function {} return {};", "create function {} as $$ select {} $$;"
    source = make_source(
        {
            "functions/runs/_first.sql": standard.format("perdure._first()", "perdure._last() -- perdure._x"),
            "functions/runs/_last.sql": standard.format("perdure._last()", "perdure._used(perdure.clock())"),
            "functions/runs/_middle.sql": text.format("perdure._middle()", "perdure._last()"),
            "functions/runs/runs.sql": text.format("perdure.runs()", "1"),
            "functions/tasks/_used.sql": text.format("perdure._used()", "perdure._first()"),
            "functions/views/a.sql": "create view a as select from perdure_views.b, perdure.runs;",
            "functions/views/b.sql": "create view b as select perdure._first();",
        }
    )
    names = [file.defines.rpartition(".")[2] for file in source.functions]
    assert names == [
        "clock",
        "_used",
        "_last",
        "_first",
        "_middle",
        "runs",
        "count_things",
        "b",
        "a",
        "grants",
    ]


def test_the_joint_checksum_covers_texts_and_names(make_source: MakeSource) -> None:
    first = make_source({}).functions_checksum
    assert make_source({}).functions_checksum == first
    changed = make_source({"functions/clock.sql": "select 2;"}).functions_checksum
    renamed = make_source({"functions/clock.sql": "", "functions/time.sql": "select 2;"}).functions_checksum
    assert len({first, changed, renamed}) == 3


def test_migrations_are_read_by_number(make_source: MakeSource) -> None:
    source = make_source(
        {
            "migrations/0010_more.sql": "create index concurrently x on y (z);\n-- transaction: none\n",
            # Not on a line of its own, so it does not count.
            "migrations/0002_add_run_priority.sql": "select 1; -- transaction: none\n",
        }
    )
    assert [(m.number, m.name, m.in_transaction, m.creates_schema) for m in source.migrations] == [
        (1, "initial", True, True),
        (2, "add_run_priority", True, False),
        (10, "more", False, False),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2_short.sql", "2_short.sql is not named like a migration: call it NNNN_words.sql"),
        ("0002_Upper.sql", "0002_Upper.sql is not named like a migration"),
        ("0001_other.sql", "0001_other.sql has the number of 0001_initial: renumber it"),
    ],
)
def test_a_misnamed_migration_is_refused(make_source: MakeSource, name: str, message: str) -> None:
    with pytest.raises(MigrationRefused, match=message):
        make_source({f"migrations/{name}": "select 1;"})


def test_the_default_is_the_repositorys_sql() -> None:
    source = default_source()
    assert source.folder == Path(__file__).resolve().parents[3] / "sql"
    assert source.migrations[0].number == 1
    assert {"functions/clock.sql", "functions/grants.sql"} <= {file.path for file in source.functions}


def test_a_folder_without_anything_is_an_empty_source(tmp_path: Path) -> None:
    source = SqlSource(tmp_path)
    assert (source.migrations, source.functions) == ([], [])
