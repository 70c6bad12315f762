"""The functions that the others share."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.database import Database


def test_ids_are_uuids_of_version_7_that_ascend(pure_db: Database) -> None:
    before = datetime.now(UTC)
    rows = pure_db.rows(
        "select perdure.new_id() as id, clock_timestamp() as at from generate_series(1, 2000)"
    )
    ids = [UUID(row.id) for row in rows]
    assert ({value.version for value in ids}, {value.variant for value in ids}) == (
        {7},
        {"specified in RFC 4122"},
    )
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    for value, row in zip(ids, rows, strict=True):
        made_at = datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
        assert before - timedelta(milliseconds=2) <= made_at <= row.at
    assert len({value.int & (2**62 - 1) for value in ids}) == len(ids)


def test_the_clock_of_production_is_that_of_the_statement(pure_db: Database) -> None:
    """The test databases have another one: this is the file's."""
    clock = (Path(__file__).parents[2] / "sql/functions/clock.sql").read_text(encoding="utf-8")
    with pure_db.connection.transaction(force_rollback=True):
        pure_db.execute(clock)
        first = pure_db.rows("select perdure.clock() as at, statement_timestamp() as statement")[0]
        second = pure_db.rows("select perdure.clock() as at, statement_timestamp() as statement")[0]
        stable = pure_db.value(
            "select provolatile = 's' from pg_proc where oid = 'perdure.clock()'::regprocedure"
        )
    assert first.at == first.statement < second.at == second.statement
    assert stable  # so that a comparison with it can use an index


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_instants_are_shown_in_utc(pure_db: Database, zone: str) -> None:
    with pure_db.connection.transaction(force_rollback=True):
        pure_db.execute(f"set local timezone = '{zone}'")
        pure_db.execute("set local datestyle = 'German'")
        shown = pure_db.value("select perdure._iso('2024-01-31 23:59:59.9994+00'::timestamptz)")
    assert shown == "2024-01-31T23:59:59.999Z"
    assert pure_db.value("select perdure._iso(null)") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("01900000-0000-7000-8000-00000000000A", "01900000-0000-7000-8000-00000000000a"),
        ("01900000-0000-7000-8000-00000000000", None),
        ("{01900000-0000-7000-8000-00000000000a}", None),
        ("0190000000007000800000000000000a", None),
        ("0190000--000-7000-8000-00000000000a", None),
        ("-1900000-0000-7000-8000-00000000000a", None),
        ("01900000-0000-7000-8000-00000000000g", None),
        ("01900000-0000-7000-8000-0000000000ö0", None),
        ("01900000-0000-7000-8000-00000000000a\n", None),
        ("", None),
        (None, None),
    ],
)
def test_an_id_from_outside(pure_db: Database, text: str | None, found: str | None) -> None:
    assert pure_db.value("select perdure._to_uuid(%s)", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00+00:00"),
        ("2024-01-31T12:00:00.123+02:00", "2024-01-31T10:00:00.123000+00:00"),
        ("2024-02-31T12:00:00Z", None),
        ("infinity", None),
        ("-infinity", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_from_outside(pure_db: Database, text: str | None, found: str | None) -> None:
    instant = pure_db.value("select perdure._to_instant(%s)", text)
    assert (instant and instant.astimezone(UTC).isoformat()) == found


@pytest.mark.parametrize("document", ['{"a": [1, null]}', "null", '"text"', "5"])
def test_a_document_as_jsonb(pure_db: Database, document: str) -> None:
    assert pure_db.value("select perdure._to_jsonb(%s)", document) == json.loads(document)


def test_a_document_that_jsonb_cannot_hold(pure_db: Database) -> None:
    assert pure_db.value("select perdure._to_jsonb('1e1000000') is null")


@pytest.mark.parametrize(
    ("written", "shielded"),
    [
        (r"\u0000", r"<\\u0000"),
        (r"\u0000\u0000", r"<\\u0000<\\u0000"),
        (r"\\\u0000", r"\\<\\u0000"),
        (r"a\uD83Db", r"a<\\uD83Db"),
        (r"\ude00\ud83d", r"<\\ude00<\\ud83d"),
        (r"\ud83d\ud83d\ude00", r"<\\ud83d\ud83d\ude00"),
        (r"\ud83d\ude00\ude00", r"\ud83d\ude00<\\ude00"),
        # nothing to shield: a pair, a backslash before u0000, other escapes
        (r"\ud83d\ude00", None),
        (r"\uD83D\uDE00", None),
        (r"\\u0000", None),
        (r"\\\\u0000", None),
        (r"\u0001\n", None),
    ],
)
def test_what_no_operator_takes_is_shielded_and_comes_back_as_it_was(
    pure_db: Database, written: str, shielded: str | None
) -> None:
    """``<`` stands for the noncharacter that marks the place."""
    document = f'{{"k": "{written}"}}'
    expected = document if shielded is None else f'{{"k": "{shielded}"}}'.replace("<", "\ufdd0")
    query = """
        select
            s.shielded::text, perdure._shield(s.shielded)::text as again,
            s.shielded ->> 'k' is not null as readable, perdure._unshield(s.shielded)::text as unshielded
        from (select perdure._shield(%s) as shielded) as s
    """
    (row,) = pure_db.rows(query, document)
    assert tuple(row) == (expected, expected, True, document)


def test_an_object_leaves_out_what_is_sql_null(pure_db: Database) -> None:
    query = """
        select perdure._json_object(
            perdure._member('a', '1'), perdure._member('b', null), perdure._member('c', 'null'),
            perdure._member('d', '{"z": null, "a": "x,y"}')
        )
    """
    found: Any = pure_db.value(query)
    assert found == {"a": 1, "c": None, "d": {"z": None, "a": "x,y"}}
    assert list(found) == ["a", "c", "d"]
    assert pure_db.value("select perdure._json_object(perdure._member('a', null))") == {}
