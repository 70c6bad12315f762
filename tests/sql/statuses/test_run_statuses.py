"""Statuses: what a run tells people of its progress."""

import json
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Run
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def set_status(db: Database, run: Run, key: str, status: Any) -> Any:
    return db.call("set_run_status", run.environment.id, run.id, key, status)


def statuses_of(db: Database, run: Run) -> Any:
    return db.call("get_run_statuses", run.environment.id, run.id)["statuses"]


def test_a_status_keeps_what_an_update_does_not_name(db: Database, builders: Builders) -> None:
    run = builders.run()
    first = set_status(db, run, "mail", {"label": "Mail", "state": "loading", "data": {"sent": 0}})
    assert first == {
        "key": "mail", "label": "Mail", "state": "loading", "data": {"sent": 0}, "history": [],
    }  # fmt: skip
    second = set_status(db, run, "mail", {"data": {"sent": 1}})
    assert (second["label"], second["state"], second["data"]) == ("Mail", "loading", {"sent": 1})
    third = set_status(db, run, "mail", {"state": "success", "label": None, "data": None})
    assert third == {
        "key": "mail",
        "label": "Mail",
        "state": "success",
        "data": {"sent": 1},
        "history": [
            {"label": "Mail", "state": "loading", "data": {"sent": 0}},
            {"label": "Mail", "state": "loading", "data": {"sent": 1}},
        ],
    }


def test_a_status_that_is_said_again_changes_nothing(db: Database, builders: Builders) -> None:
    run = builders.run()
    first = set_status(db, run, "mail", {"state": "loading", "data": {"sent": 1}})
    assert set_status(db, run, "mail", {"state": "loading", "data": {"sent": 1}}) == first
    assert set_status(db, run, "mail", {}) == first


def test_what_was_never_set_is_absent(db: Database, builders: Builders) -> None:
    run = builders.run()
    assert set_status(db, run, "one", {}) == {"key": "one", "label": "one", "history": []}
    assert set_status(db, run, "one", {"state": "failure"})["history"] == [{"label": "one"}]


def test_statuses_come_in_the_order_in_which_they_were_first_set(
    db: Database, builders: Builders, clock: Clock
) -> None:
    run = builders.run()
    for key in ("b", "a", "b"):
        set_status(db, run, key, {})
        clock.advance(timedelta(seconds=1))
    assert [status["key"] for status in statuses_of(db, run)] == ["b", "a"]
    assert run.read()["statuses"] == statuses_of(db, run)


def test_a_run_shows_how_it_stands_with_its_statuses(db: Database, builders: Builders) -> None:
    run = builders.run()
    assert db.call("get_run_statuses", run.environment.id, run.id) == {
        "run": {"id": run.id, "status": "QUEUED"},
        "statuses": [],
    }
    builders.claim(run).reply("SUCCESS", output=None)
    assert db.call("get_run_statuses", run.environment.id, run.id)["run"] == {
        "id": run.id, "status": "SUCCESS", "output": None,
    }  # fmt: skip


def test_documents_that_jsonb_cannot_hold_are_kept(db: Database, builders: Builders) -> None:
    run = builders.run()
    written = r'{"label": "%s", "data": {"zero": "\u0000", "half": "\ud800", "n": 1.0}}'
    for label in ("é", "è", "ê"):
        db.value(
            "select perdure.set_run_status(%s, %s, 'k', %s)",
            run.environment.id,
            run.id,
            Json(label, dumps=lambda label: written % label),
        )
    data = r'{"zero": "\u0000", "half": "\ud800", "n": 1.0}'
    shown = db.value("select perdure.get_run_statuses(%s, %s)::text", run.environment.id, run.id)
    assert shown.count(data) == 3
    assert len(json.loads(shown)["statuses"][0]["history"]) == 2


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("k", [], "p_status must be an object"),
        ("k", None, "p_status must be an object"),
        ("k", {"label": 5}, "p_status.label"),
        ("k", {"state": "done"}, "p_status.state"),
        ("k", {"state": 1}, "p_status.state"),
        ("k", {"data": [1]}, "p_status.data"),
        ("", {}, "p_key"),
        ("k" * 1001, {}, "p_key"),
        (None, {}, "p_key"),
    ],
)
def test_what_is_no_status_is_refused(
    db: Database, builders: Builders, key: str | None, status: Any, words: str
) -> None:
    run = builders.run()
    before = snapshot(db)
    with refused("JQ010", words):
        set_status(db, run, key, status)
    assert snapshot(db) == before


def test_another_environments_run_is_not_found(db: Database, builders: Builders) -> None:
    run, other = builders.run(), builders.environment()
    with refused("JQ001", run.id):
        db.call("set_run_status", other.id, run.id, "k", {})
    with refused("JQ001", run.id):
        db.call("get_run_statuses", other.id, run.id)
    assert statuses_of(db, run) == []


def test_the_view_shows_them(db: Database, builders: Builders) -> None:
    run = builders.run()
    for state in ("loading", "success"):
        set_status(db, run, "mail", {"state": state})
    with db.as_role("perdure_readonly") as reader:
        (row,) = reader.rows("select * from perdure_views.run_statuses")
    assert (row.run_id, row.key, row.label, row.state) == (run.id, "mail", "mail", "success")
    assert row.history == [{"label": "mail", "state": "loading"}]


def test_updates_of_two_connections_both_count(db: Database, other: Database, builders: Builders) -> None:
    run = builders.run()
    with db.connection.transaction():
        set_status(db, run, "k", {"label": "first"})
        other.execute("set lock_timeout = '200ms'")
        with refused("55P03"):  # it waits for the first to commit
            set_status(other, run, "k", {"label": "second"})
    other.execute("set lock_timeout = 0")
    assert set_status(other, run, "k", {"label": "second"})["history"] == [{"label": "first"}]
