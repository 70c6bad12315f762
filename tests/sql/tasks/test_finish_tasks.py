"""Ending tasks by id, as the v2 SDK does."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.rows import snapshot, task_row, task_statuses
from tests.support.builders import Builders, Claim, Environment, task
from tests.support.database import Database

ERROR = {"message": "it broke"}


def opened(claim: Claim, key: str = "a", **members: Any) -> str:
    (row,) = claim.store(task(key, **members))
    task_id: str = row.response["id"]
    return task_id


def finish_call(claim: Claim, task_id: Any, status: Any = "COMPLETED", **members: Any) -> dict[str, Any]:
    identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, "taskId": task_id}
    return {**identity, "status": status, **members}


def finish(db: Database, call: dict[str, Any]) -> Any:
    (row,) = db.call("finish_tasks", [call])
    assert row.error_code is None, row
    return row.response


@pytest.mark.parametrize(
    ("members", "stored"), [({}, None), ({"output": None}, "null"), ({"output": [1]}, "[1]")]
)
def test_a_task_is_completed(
    db: Database, builders: Builders, members: dict[str, Any], stored: str | None
) -> None:
    claim = builders.claim()
    more = {"properties": [{"label": "a", "text": "b"}], "description": "done", "params": {"p": 1}}
    answer = finish(db, finish_call(claim, opened(claim, params={"p": 0}), **more, **members))
    row = task_row(db, claim.run_id, "a")
    assert (row.status, row.output_text, row.completed_at is not None) == ("COMPLETED", stored, True)
    assert (row.output_properties, row.description, row.params) == (more["properties"], "done", {"p": 1})
    assert (answer["status"], answer["outputProperties"]) == ("COMPLETED", more["properties"])
    assert ("output" in answer) == (stored is not None)


def test_a_task_fails(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    answer = finish(
        db, finish_call(claim, opened(claim, params={"p": 0}), "ERRORED", error=ERROR, output="ignored")
    )
    assert (answer["status"], answer["output"], answer["params"]) == ("ERRORED", ERROR, {"p": 0})


def test_a_waiting_task_may_be_completed(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    answer = finish(db, finish_call(claim, opened(claim, delaySeconds=60), output=1))
    assert (answer["status"], task_row(db, claim.run_id, "a").due_at) == ("COMPLETED", None)


OPERATION = {"operation": "fetch", "params": {"url": "https://api.example/"}}


@pytest.mark.parametrize("members", [{"delaySeconds": 60}, OPERATION], ids=["wait", "operation"])
@pytest.mark.parametrize("function", ["finish_tasks", "upsert_tasks"])
def test_a_run_goes_on_when_the_task_that_it_waits_for_is_ended(
    db: Database, builders: Builders, function: str, members: dict[str, Any]
) -> None:
    claim = builders.claim()
    task_id = opened(claim, **members)
    assert claim.reply("RESUME_WITH_TASK", task={"id": task_id}) == "WAITING_TO_CONTINUE"
    call = finish_call(claim, task_id, output=1)
    if function == "upsert_tasks":
        call = {**call, "taskId": None, "task": task("a", status="COMPLETED", output=1)}
    (row,) = db.call(function, [call])
    assert (row.error_code, row.response["status"]) == (None, "COMPLETED")
    assert db.call("doctor") == []
    assert [again.lease_number for again in builders.claims()] == [2]


@pytest.mark.parametrize("status", ["COMPLETED", "ERRORED", "CANCELED"])
def test_a_task_that_has_ended_is_left_and_answered(db: Database, builders: Builders, status: str) -> None:
    claim = builders.claim()
    task_id = opened(claim)
    db.execute("update perdure.tasks set status = %s, completed_at = now(), output = '\"first\"'", status)
    before = snapshot(db)
    for call in (
        finish_call(claim, task_id, output="second"),
        finish_call(claim, task_id, "ERRORED", error=ERROR, properties=[], params={}, description="x"),
    ):
        answer = finish(db, call)
        assert (answer["status"], answer["output"]) == (status, "first")
    assert snapshot(db) == before


def test_of_several_calls_for_one_task_the_first_counts(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    task_id = opened(claim)
    calls = [finish_call(claim, task_id, output=n) for n in range(3)]
    assert [row.response["output"] for row in db.call("finish_tasks", calls)] == [0, 0, 0]


def test_each_call_of_a_batch_is_answered_for_itself_in_order(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    builders.runs(4)
    good, ended, cancelled, lost = builders.claims()
    ids = {claim.run_id: opened(claim) for claim in (good, ended, cancelled, lost)}
    second = opened(good, "b")
    other = make_environment("prod")
    ended.reply("SUCCESS")
    db.call("cancel_run", cancelled.body["environment"]["id"], cancelled.run_id)
    lost.reply("YIELD_EXECUTION", key="a")
    calls: list[Any] = [
        finish_call(good, second, leaseNumber=1, output=2),
        finish_call(ended, ids[ended.run_id]),
        finish_call(cancelled, ids[cancelled.run_id], leaseNumber=1),
        finish_call(cancelled, ids[cancelled.run_id]),
        finish_call(lost, ids[lost.run_id], leaseNumber=1),
        {**finish_call(good, ids[good.run_id]), "environmentId": other.id},
        finish_call(good, ids[lost.run_id]),
        finish_call(good, None),
        finish_call(good, ids[good.run_id], "RUNNING"),
        finish_call(good, ids[good.run_id], None),
        finish_call(good, ids[good.run_id], output=1),
    ]
    rows = db.call("finish_tasks", calls)
    assert [(row.ordinal, row.error_code) for row in rows] == list(
        enumerate([None, None, "JQ003", None, "JQ005", "JQ001", "JQ001", "JQ001", "JQ010", "JQ010", None], 1)
    )
    # A call that is late is answered as it would have been when the task ended.
    assert (rows[1].error_message, rows[1].response["status"]) == (None, "ERRORED")
    assert rows[3].response["status"] == "CANCELED"
    assert (rows[0].response["output"], rows[10].response["output"]) == (2, 1)
    assert f"no task {ids[lost.run_id]} in run {good.run_id}" in rows[6].error_message
    assert "status must be COMPLETED or ERRORED, not RUNNING" in rows[8].error_message
    assert task_statuses(db, good.run_id) == {"a": "COMPLETED", "b": "COMPLETED"}
    assert task_statuses(db, lost.run_id) == {"a": "RUNNING"}


def test_malformed_calls_fail_alone(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    good = finish_call(claim, opened(claim))
    bad: list[Any] = [
        {**good, "taskId": "none"},
        {**good, "runId": 5},
        {**good, "leaseNumber": "first"},
        5,
        None,
    ]
    rows = db.call("finish_tasks", [*bad, good])
    assert [row.error_code for row in rows] == [*["JQ010"] * len(bad), None]
    assert task_statuses(db, claim.run_id) == {"a": "COMPLETED"}


def test_no_calls_are_no_rows(db: Database) -> None:
    assert db.call("finish_tasks", []) == []
