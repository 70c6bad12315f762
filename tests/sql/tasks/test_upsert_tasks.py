"""Storing tasks: the first status, meeting a task again, leases, and many callers in one call."""

from typing import Any

import pytest

from tests.sql.rows import snapshot, task_row, task_statuses
from tests.support.builders import Builders, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

ERROR = {"message": "it broke"}


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, "RUNNING"),
        ({"noop": True}, "COMPLETED"),
        ({"delaySeconds": 60}, "WAITING"),
        ({"noop": True, "delaySeconds": 60}, "WAITING"),
        ({"delaySeconds": 0}, "RUNNING"),
        ({"noop": True, "delaySeconds": -5}, "COMPLETED"),
        ({"delayUntil": "2999-01-01T00:00:00Z"}, "WAITING"),
        ({"noop": True, "delayUntil": "2024-01-01T00:00:00Z"}, "COMPLETED"),
        ({"delaySeconds": 0, "delayUntil": "2999-01-01T00:00:00Z"}, "RUNNING"),  # our clock decides
        ({"operation": "fetch", "params": {"url": "http://x.test"}}, "RUNNING"),
        ({"operation": "fetch", "params": {}}, "ERRORED"),
        ({"status": "RUNNING", "noop": True}, "RUNNING"),
        ({"status": "COMPLETED"}, "COMPLETED"),
        ({"status": "ERRORED", "error": ERROR}, "ERRORED"),
        ({"status": "CANCELED"}, "RUNNING"),  # not the SDK's to say
    ],
)
def test_the_first_status_of_a_task(pure_db: Database, members: dict[str, Any], status: str) -> None:
    builders = Builders(pure_db)
    builders.run()
    (claim,) = builders.claims(100)
    (answer,) = claim.stored(task("a", **members))
    row = task_row(pure_db, claim.run_id, "a")
    assert (row.status, answer["status"]) == (status, status)
    assert (row.completed_at is not None) == (status in ("COMPLETED", "ERRORED"))
    assert (row.due_at is not None) == (status == "WAITING")
    assert row.started_at == row.created_at
    claim.reply("SUCCESS")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"status": "COMPLETED", "output": {"n": 1}}, False),
        ({"status": "ERRORED", "error": ERROR}, False),
        ({"noop": True}, False),
        ({"status": "RUNNING"}, True),
        ({"delaySeconds": 60}, True),
        ({"callback": {"enabled": True}}, True),
        ({"operation": "fetch", "params": {}}, True),
        ({"effect": {"type": "sendEvents", "events": [{"name": "x"}]}}, True),
    ],
)
def test_who_needs_no_more_is_told_what_it_does_not_know(
    db: Database, builders: Builders, members: dict[str, Any], told: bool
) -> None:
    db.call("set_setting", "public_url", "https://perdure.example")
    claim = builders.claim()
    rows = claim.store(task("a", **members), minimal=True)
    (again,) = claim.store(task("a", **members), minimal=True)
    (full,) = claim.store(task("a", **members))
    assert again.response == full.response  # one that is met may be different
    assert full.response["idempotencyKey"] == task("a")["idempotencyKey"]
    assert [(row.error_code, row.response) for row in rows] == ([(None, full.response)] if told else [])


def test_where_one_of_many_is_told_each_has_its_row(builders: Builders) -> None:
    claim = builders.claim()
    ended, begun = task("ended", status="COMPLETED", output=1), task("begun", status="RUNNING")
    rows = claim.store(ended, begun, minimal=True)
    assert [(row.ordinal, row.response and row.response["status"]) for row in rows] == [
        (1, None),
        (2, "RUNNING"),
    ]


def test_where_one_of_many_cannot_be_stored_each_has_its_row(builders: Builders) -> None:
    claim = builders.claim()
    ended, bad = task("ended", status="COMPLETED", output=1), task("bad", delayUntil="soon")
    rows = claim.store(ended, bad, task("noop", noop=True), minimal=True)
    assert [(row.ordinal, row.error_code, row.response) for row in rows] == [
        (1, None, None),
        (2, "JQ010", None),
        (3, None, None),
    ]


def test_all_that_is_said_of_a_task_is_kept_and_answered(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    (parent,) = claim.stored(task("parent"))
    body = {
        "idempotencyKey": "f" * 64,
        "displayKey": "shown",
        "noop": False,
        "name": "Fetch",
        "icon": "background",
        "description": "what it does",
        "params": {"url": "https://example.com", "n": None},
        "properties": [{"label": "a", "text": "b"}],
        "outputProperties": [{"label": "c", "text": "d"}],
        "style": {"style": "minimal", "variant": "log"},
        "parentId": parent["id"],
        "connectionKey": "github",
        "operation": "fetch-poll",
        "parallel": True,
        "delaySeconds": 60,
        "retry": {"limit": 3},
        "redact": {"paths": ["a"]},
    }
    (answer,) = claim.stored(body)
    row = task_row(db, claim.run_id, "shown")
    assert (row.connection_key, row.child_execution_mode) == ("github", "PARALLEL")
    assert answer.pop("startedAt") <= answer.pop("delayUntil")
    assert answer == {
        "id": row.id,
        "idempotencyKey": "f" * 64,
        "name": "Fetch",
        "noop": False,
        "status": "WAITING",
        "attempts": 1,
        "icon": "background",
        "description": "what it does",
        "properties": body["properties"],
        "outputProperties": body["outputProperties"],
        "params": body["params"],
        "parentId": parent["id"],
        "style": body["style"],
        "operation": "fetch-poll",
        "childExecutionMode": "PARALLEL",
    }


def test_what_is_not_said_has_a_default(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    (answer,) = claim.stored({"idempotencyKey": "a"})
    assert (answer["name"], answer["noop"], answer["status"]) == ("Task", False, "RUNNING")
    assert (answer["style"], answer["childExecutionMode"]) == ({"style": "normal"}, "SEQUENTIAL")


@pytest.mark.parametrize(
    ("members", "stored"),
    [({}, None), ({"output": None}, "null"), ({"output": {"b": 1, "a": [None]}}, '{"b": 1, "a": [null]}')],
)
def test_an_output_is_kept_verbatim(
    db: Database, builders: Builders, members: dict[str, Any], stored: str | None
) -> None:
    claim = builders.claim()
    (answer,) = claim.stored(task("a", status="COMPLETED", **members))
    assert task_row(db, claim.run_id, "a").output_text == stored
    assert answer.get("output", "absent") == members.get("output", "absent")


def test_a_task_may_have_begun_before_it_is_stored(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.stored(task("a", status="COMPLETED", startedAt="2024-01-31T12:00:00Z"))
    assert task_row(db, claim.run_id, "a").started_at.isoformat() == "2024-01-31T12:00:00+00:00"


@pytest.mark.parametrize(
    "first",
    [
        {},
        {"noop": True},
        {"delaySeconds": 60},
        {"status": "COMPLETED", "output": 1},
        {"status": "ERRORED", "error": 1},
    ],
)
def test_the_same_task_again_changes_nothing(db: Database, builders: Builders, first: dict[str, Any]) -> None:
    claim = builders.claim()
    answer = claim.stored(task("a", **first))
    before = snapshot(db)
    for members in (first, {"params": {"other": 1}, "delaySeconds": 5}, {"noop": True, "name": "Other"}):
        assert claim.stored(task("a", **members)) == answer
    assert snapshot(db) == before


FETCH = {"operation": "fetch", "params": {"url": "http://x.test"}}


@pytest.mark.parametrize("first", [{}, {"delaySeconds": 60}, FETCH])
@pytest.mark.parametrize(
    ("outcome", "status", "output"),
    [
        ({"status": "COMPLETED", "output": [1]}, "COMPLETED", [1]),
        ({"status": "ERRORED", "error": ERROR}, "ERRORED", ERROR),
    ],
)
def test_an_open_task_takes_an_outcome_once(
    pure_db: Database, first: dict[str, Any], outcome: dict[str, Any], status: str, output: Any
) -> None:
    builders = Builders(pure_db)
    builders.run()
    (claim,) = builders.claims(100)
    (opened,) = claim.stored(task("a", **first))
    shown = [{"label": "a", "text": "b"}]
    (ended,) = claim.stored(task("a", outputProperties=shown, **outcome))
    assert (ended["id"], ended["status"], ended["output"], ended["outputProperties"]) == (
        opened["id"],
        status,
        output,
        shown,
    )
    assert task_row(pure_db, claim.run_id, "a").due_at is None
    for other in (
        {"status": "COMPLETED", "output": 2},
        {"status": "ERRORED", "error": 2},
        {"status": "RUNNING"},
        {},
    ):
        assert claim.stored(task("a", **other)) == [ended]
    claim.reply("SUCCESS")


def test_a_cancelled_task_of_a_run_that_goes_on_starts_anew(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.stored(task("a", noop=True, delaySeconds=60), task("b"))
    db.execute("update perdure.tasks set status = 'CANCELED', completed_at = now(), due_at = null")
    first, second = claim.stored(
        task("a", noop=True, delaySeconds=60), task("b", status="COMPLETED", output=1)
    )
    assert (first["status"], second["status"], second["output"]) == ("WAITING", "COMPLETED", 1)
    assert task_row(db, claim.run_id, "a").due_at is not None


def test_of_several_records_in_one_call_the_outcome_counts(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    parent = task("parent")
    answers = claim.stored(
        {**parent, "status": "RUNNING"},
        task("child", parentKey=parent["idempotencyKey"], status="COMPLETED"),
        {**parent, "status": "COMPLETED", "output": 1},
        {**parent, "status": "COMPLETED", "output": 2},
    )
    assert [answer["output"] for answer in (answers[0], *answers[2:])] == [1, 1, 1]
    # what is inside a task comes after it
    assert list(task_statuses(db, claim.run_id)) == ["parent", "child"]
    assert task_row(db, claim.run_id, "child").parent_id == task_row(db, claim.run_id, "parent").id


def test_a_parent_is_found_by_key_in_the_same_call_or_before(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    before, inside, unknown = task("before"), task("inside"), task("unknown")
    claim.stored(before)
    answers = claim.stored(
        inside,
        task("a", parentKey=before["idempotencyKey"]),
        task("b", parentKey=inside["idempotencyKey"]),
        task("c", parentKey=unknown["idempotencyKey"]),
    )
    ids = {key: task_row(db, claim.run_id, key).id for key in ("before", "inside")}
    assert [answer.get("parentId") for answer in answers] == [None, ids["before"], ids["inside"], None]


def test_tasks_are_as_old_as_their_place_in_the_call_whatever_their_keys(
    db: Database, builders: Builders
) -> None:
    claim = builders.claim()
    keys = ["m", "z", "a", "q", "b"]
    claim.stored(*map(task, keys))
    assert list(task_statuses(db, claim.run_id)) == keys


def test_the_same_key_in_another_run_is_another_task(db: Database, builders: Builders) -> None:
    builders.runs(2)
    one, other = builders.claims()
    (first,) = one.stored(task("a", status="COMPLETED", output=1))
    (second,) = other.stored(task("a"))
    assert (first["id"] != second["id"], second["status"]) == (True, "RUNNING")


def test_a_wait_that_ends_soon_wakes_sleeping_dispatchers(
    db: Database, db_url: str, builders: Builders
) -> None:
    claim = builders.claim()
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        claim.stored(task("later", noop=True, delaySeconds=3600))
        claim.stored(task("soon", noop=True, delaySeconds=5))
        (heard,) = listener.connection.notifies(timeout=10, stop_after=1)
    assert heard.payload == "due"
