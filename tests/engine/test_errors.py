"""Errors of Postgres become ours at one place, by SQLSTATE."""

import inspect

import psycopg
import pytest

from perdure_engine import errors
from perdure_engine.errors import BY_SQLSTATE, PerdureError, error_for, translate, translated
from tests.support.database import Database

RAISE = "do $$ begin raise exception using errcode = %s, message = 'what is wrong', detail = 'run 1'; end $$"


def raised_by(db: Database, sql: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        db.execute(sql)
    return caught.value


@pytest.mark.parametrize(("code", "kind"), sorted(BY_SQLSTATE.items()))
def test_each_code_of_ours_has_its_exception(db: Database, code: str, kind: type[PerdureError]) -> None:
    with pytest.raises(kind) as caught, translated():
        db.execute(RAISE.replace("%s", f"'{code}'"))
    error = caught.value
    assert (error.code, error.message, error.detail, str(error)) == (
        code,
        "what is wrong",
        "run 1",
        "what is wrong",
    )
    assert isinstance(error.__cause__, psycopg.DatabaseError)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 'x'::uuid", errors.InvalidArgument),
        ("select '{'::json", errors.InvalidArgument),
        (RAISE.replace("%s", "'54000'"), errors.InvalidArgument),
        ("select perdure.no_such_function()", errors.NotMigrated),
        ("select nowhere.function()", errors.NotMigrated),
        ("select pg_terminate_backend(pg_backend_pid())", errors.DatabaseUnavailable),
        (RAISE.replace("%s", "'40P01'"), errors.DatabaseUnavailable),
        (RAISE.replace("%s", "'53300'"), errors.DatabaseUnavailable),
        ("select 1 / 0", type(None)),
        ("insert into perdure.settings values (null, '', now())", type(None)),
    ],
)
def test_other_errors_are_told_apart_by_what_can_be_done(db_url: str, sql: str, kind: type) -> None:
    with psycopg.connect(db_url, autocommit=True) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(sql.encode())
    assert type(translate(caught.value)) is kind


def test_no_connection_is_database_unavailable() -> None:
    with pytest.raises(errors.DatabaseUnavailable, match="no connection to Postgres"), translated():
        psycopg.connect("postgresql://nobody@127.0.0.1:1/nothing", connect_timeout=2)


def test_an_error_that_is_not_ours_passes_unchanged(db: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero) as caught, translated():
        db.value("select 1 / 0")
    assert caught.value.__cause__ is None


def test_error_for_keeps_a_code_that_it_does_not_know() -> None:
    error = error_for("JQ999", "new in a later release")
    assert (type(error), error.code) == (PerdureError, "JQ999")


def test_the_tree_at_the_top_shows_every_exception_with_its_code() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, PerdureError) and kind is not PerdureError
    ]
    drawn = dict(
        line.strip("│├└─ ").split()[:2] for line in (errors.__doc__ or "").splitlines() if "─" in line
    )
    assert drawn == {kind.__name__: kind.default_code for kind in kinds}
