"""Storing tasks: the first status, meeting a task again, leases, and many callers in one call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import snapshot, task_row, task_statuses
from tests.support.builders import Builders, Claim, Environment, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

ERROR = {"message": "it broke"}


def store(claim: Claim, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """Store tasks, all of which must be taken; returns the answers."""
    rows = claim.store(*tasks)
    assert [row.error_code for row in rows] == [None] * len(tasks), rows
    return [row.response for row in rows]


def v2_call(claim: Claim, body: dict[str, Any], **identity: Any) -> dict[str, Any]:
    """A call of an SDK that knows no leases."""
    return {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, **identity, "task": body}


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
        ({"operation": "fetch"}, "RUNNING"),
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
    (answer,) = store(claim, task("a", **members))
    row = task_row(pure_db, claim.run_id, "a")
    assert (row.status, answer["status"]) == (status, status)
    assert (row.completed_at is not None) == (status in ("COMPLETED", "ERRORED"))
    assert (row.due_at is not None) == (status == "WAITING")
    assert row.started_at == row.created_at
    claim.reply("SUCCESS")


def test_all_that_is_said_of_a_task_is_kept_and_answered(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    (parent,) = store(claim, task("parent"))
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
    (answer,) = store(claim, body)
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
    (answer,) = store(claim, {"idempotencyKey": "a"})
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
    (answer,) = store(claim, task("a", status="COMPLETED", **members))
    assert task_row(db, claim.run_id, "a").output_text == stored
    assert answer.get("output", "absent") == members.get("output", "absent")


def test_a_task_may_have_begun_before_it_is_stored(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    store(claim, task("a", status="COMPLETED", startedAt="2024-01-31T12:00:00Z"))
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
    answer = store(claim, task("a", **first))
    before = snapshot(db)
    for members in (first, {"params": {"other": 1}, "delaySeconds": 5}, {"noop": True, "name": "Other"}):
        assert store(claim, task("a", **members)) == answer
    assert snapshot(db) == before


@pytest.mark.parametrize("first", [{}, {"delaySeconds": 60}, {"operation": "fetch"}])
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
    (opened,) = store(claim, task("a", **first))
    shown = [{"label": "a", "text": "b"}]
    (ended,) = store(claim, task("a", outputProperties=shown, **outcome))
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
        assert store(claim, task("a", **other)) == [ended]
    claim.reply("SUCCESS")


def test_a_cancelled_task_of_a_run_that_goes_on_starts_anew(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    store(claim, task("a", noop=True, delaySeconds=60), task("b"))
    db.execute("update perdure.tasks set status = 'CANCELED', completed_at = now(), due_at = null")
    first, second = store(
        claim, task("a", noop=True, delaySeconds=60), task("b", status="COMPLETED", output=1)
    )
    assert (first["status"], second["status"], second["output"]) == ("WAITING", "COMPLETED", 1)
    assert task_row(db, claim.run_id, "a").due_at is not None


def test_of_several_records_in_one_call_the_outcome_counts(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    parent = task("parent")
    answers = store(
        claim,
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
    store(claim, before)
    answers = store(
        claim,
        inside,
        task("a", parentKey=before["idempotencyKey"]),
        task("b", parentKey=inside["idempotencyKey"]),
        task("c", parentKey=unknown["idempotencyKey"]),
    )
    ids = {key: task_row(db, claim.run_id, key).id for key in ("before", "inside")}
    assert [answer.get("parentId") for answer in answers] == [None, ids["before"], ids["inside"], None]


def test_the_same_key_in_another_run_is_another_task(db: Database, builders: Builders) -> None:
    builders.runs(2)
    one, other = builders.claims()
    (first,) = store(one, task("a", status="COMPLETED", output=1))
    (second,) = store(other, task("a"))
    assert (first["id"] != second["id"], second["status"]) == (True, "RUNNING")


def test_each_call_of_a_batch_is_answered_for_itself_in_order(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    builders.runs(5)
    good, ended, cancelled, lost, foreign = builders.claims()
    other = make_environment("prod")
    ended.reply("SUCCESS")
    db.call("cancel_run", cancelled.body["environment"]["id"], cancelled.run_id)
    lost.reply("YIELD_EXECUTION", key="a")
    calls: list[Any] = [
        v2_call(good, task("a"), leaseNumber=1),
        v2_call(ended, task("a"), leaseNumber=1),
        v2_call(cancelled, task("a"), leaseNumber=1),
        v2_call(lost, task("a"), leaseNumber=1),
        v2_call(foreign, task("a"), environmentId=other.id),
        v2_call(good, task("a"), runId="01900000-0000-7000-8000-000000000000"),
        v2_call(good, task("a"), leaseNumber=2),
        v2_call(good, {"name": "no key"}, leaseNumber=1),
        v2_call(good, {"idempotencyKey": ""}, leaseNumber=1),
        v2_call(good, task("b", status="COMPLETED", output=1), leaseNumber=1),
        v2_call(cancelled, task("c", noop=True)),
        v2_call(ended, task("c")),
        v2_call(good, task("a")),
    ]
    rows = db.call("upsert_tasks", calls)
    assert [(row.ordinal, row.error_code) for row in rows] == list(
        enumerate(
            [
                None,
                "JQ003",
                "JQ003",
                "JQ005",
                "JQ001",
                "JQ001",
                "JQ005",
                "JQ010",
                "JQ010",
                None,
                None,
                "JQ003",
                None,
            ],
            1,
        )
    )
    assert [row.response is None for row in rows] == [row.error_code is not None for row in rows]
    messages = [row.error_message or "" for row in rows]
    assert "ended with SUCCESS" in messages[1]
    assert "ended with CANCELED" in messages[2]
    assert f"lease 1 of run {lost.run_id} is over" in messages[3]
    assert "no run" in messages[4]
    assert "task.idempotencyKey" in messages[7]
    assert (rows[9].response["output"], rows[10].response["status"]) == (1, "CANCELED")
    assert rows[12].response == rows[0].response
    assert task_statuses(db, good.run_id) == {"a": "RUNNING", "b": "COMPLETED"}
    assert task_statuses(db, cancelled.run_id) == {"c": "CANCELED"}
    assert task_statuses(db, ended.run_id) == task_statuses(db, lost.run_id) == {}


MALFORMED: list[tuple[Any, str]] = [
    ({"runId": "none"}, "uuid"),
    ({"environmentId": 5}, "uuid"),
    ({"leaseNumber": "first"}, "integer"),
    ({"leaseNumber": 1e300}, "integer"),
    ({"task": {**task("x"), "noop": "maybe"}}, "boolean"),
    ({"task": {**task("x"), "parallel": 7}}, "boolean"),
    ({"task": task("x", delayUntil="soon")}, "timestamp"),
    ({"task": task("x", delayUntil="infinity")}, "tasks_due_at_finite"),
    ({"task": task("x", delaySeconds="long")}, "double precision"),
    ({"task": task("x", delaySeconds=1e300)}, "range"),
    ({"task": task("x", startedAt="2024-02-31")}, "range"),
    ({"task": task("x", operation="dance")}, "tasks_operation_known"),
    ({"task": task("x", parentId="none")}, "uuid"),
    ({"task": "text"}, "idempotencyKey"),
    ({"task": None}, "idempotencyKey"),
]


def test_malformed_calls_fail_alone(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    good = [v2_call(claim, task(f"good-{n}"), leaseNumber=1) for n in range(2)]
    bad = [{**good[0], **members} for members, _ in MALFORMED]
    rows = db.call("upsert_tasks", [good[0], *bad, 5, "text", None, good[1]])
    assert [row.ordinal for row in rows] == list(range(1, len(rows) + 1))
    assert [row.error_code for row in rows] == [None, *["JQ010"] * (len(bad) + 3), None]
    for row, (members, reason) in zip(rows[1:], MALFORMED, strict=False):
        assert reason in row.error_message, members
    assert task_statuses(db, claim.run_id) == {"good-0": "RUNNING", "good-1": "RUNNING"}


def test_no_calls_are_no_rows(db: Database) -> None:
    assert db.call("upsert_tasks", []) == []


def test_a_wait_that_ends_soon_wakes_sleeping_dispatchers(
    db: Database, db_url: str, builders: Builders
) -> None:
    claim = builders.claim()
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        store(claim, task("later", noop=True, delaySeconds=3600))
        store(claim, task("soon", noop=True, delaySeconds=5))
        (heard,) = listener.connection.notifies(timeout=10, stop_after=1)
    assert heard.payload == "due"


def test_a_lease_lost_in_between_is_noticed(db: Database, builders: Builders, clock: Clock) -> None:
    old = builders.claim()
    store(old, task("a"))
    clock.advance(timedelta(seconds=71))
    db.call("promote_due")
    clock.advance(timedelta(seconds=2))
    db.call("promote_due")
    (new,) = builders.claims()
    before = snapshot(db)
    (row,) = old.store(task("a", status="COMPLETED", output="old"))
    assert row.error_code == "JQ005"
    assert snapshot(db) == before
    assert store(new, task("a", status="COMPLETED", output="new"))[0]["output"] == "new"
