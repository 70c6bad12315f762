"""What good answers become, whenever they come, once; and what becomes of them when nobody waits any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, claim, delivery, failure
from tests.sql.operations.performing import URL, open_operation, perform
from tests.sql.rows import attempts, queued, run_row, snapshot
from tests.support.builders import Builders, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


@pytest.mark.parametrize(
    ("kind", "body", "output"),
    [
        ("fetch", '{"b": 1, "a": [2.50]}', '{"b": 1, "a": [2.50]}'),
        ("fetch", "<html>", "null"),
        ("fetch", "", "null"),
        ("fetch", "null", "null"),
        ("fetch", r'"\u0000 \ud800 ü"', r'"\u0000 \ud800 ü"'),
        ("fetch", "1e1000000", "1e1000000"),
        ("fetch-response", "[1]", '{"data":[1],"headers":{"x-a": "b"},"status":201}'),
        ("fetch-response", "<html>", '{"data":null,"headers":{"x-a": "b"},"status":201}'),
    ],
)
def test_an_answer_is_the_output_and_the_run_goes_on(
    db: Database, builders: Builders, kind: str, body: str, output: str
) -> None:
    operation = perform(builders, {"url": URL}, kind=kind)
    assert not operation.goes_on()
    assert operation.answered(body, 201, headers={"x-a": "b"}) == "DELIVERED"
    assert (operation.row.status, operation.row.output_text) == ("COMPLETED", output)
    assert operation.goes_on()
    (again,) = builders.claims()
    assert again.body["tasks"][0]["id"] == operation.opened["id"]
    assert attempts(db, operation.opened["id"]) == []
    assert db.call("doctor") == []


def test_the_time_that_it_took_counts_into_the_runs_duration(db: Database, builders: Builders) -> None:
    operation = perform(builders, {"url": URL, "retry": {"503": {"strategy": "backoff"}}})
    before = run_row(db, operation.execution.run_id).duration_ms
    operation.answered(status=503, durationMs=200)
    db.execute("update perdure.deliveries set due_at = perdure.clock()")
    operation.answered(durationMs=1000)
    assert run_row(db, operation.execution.run_id).duration_ms == before + 1200


def test_an_answer_before_the_executions_reply_is_not_lost(db: Database, builders: Builders) -> None:
    operation = open_operation(builders.claim(), {"url": URL})
    assert operation.answered(1) == "DELIVERED"
    assert queued(db) == []
    reply = operation.execution.reply("RESUME_WITH_TASK", task=operation.opened)
    assert (reply, operation.goes_on()) == ("WAITING_TO_EXECUTE", True)


def test_a_task_defined_in_the_reply_is_performed(db: Database, builders: Builders) -> None:
    execution = builders.claim()
    record = task("get", operation="fetch", params={"url": URL})
    assert execution.reply("RESUME_WITH_TASK", task=record) == "WAITING_TO_CONTINUE"
    (claimed,) = claim(db, kind="FETCH")
    assert apply(db, answer(claimed, 1)) == ["DELIVERED"]
    assert queued(db) == [execution.run_id]


def test_a_result_twice_or_under_a_lost_lease_changes_nothing(
    db: Database, builders: Builders, clock: Clock
) -> None:
    operation = perform(builders, {"url": URL})
    lost = operation.request()
    clock.advance(timedelta(seconds=131))
    held = operation.request()
    before = snapshot(db)
    assert apply(db, answer(lost, ["lost"])) == ["LEASE_LOST"]
    assert snapshot(db) == before
    assert apply(db, answer(held, ["held"])) == ["DELIVERED"]
    before = snapshot(db)
    assert apply(db, answer(held, ["twice"]), failure(lost)) == ["LEASE_LOST", "LEASE_LOST"]
    assert snapshot(db) == before
    assert operation.outcome == ("COMPLETED", ["held"])


@pytest.mark.parametrize("sent", [True, False])
def test_a_run_that_ended_meanwhile_wants_nothing(db: Database, builders: Builders, sent: bool) -> None:
    operation = perform(builders, {"url": URL, "retry": {"503": {"strategy": "backoff"}}})
    claimed = operation.request() if sent else None
    db.call("cancel_run", operation.execution.body["environment"]["id"], operation.execution.run_id)
    ended = run_row(db, operation.execution.run_id)
    if claimed is not None:
        assert apply(db, answer(claimed, status=503)) == ["DELIVERED"]
    assert claim(db, kind="FETCH") == []
    assert (operation.outcome, attempts(db, operation.opened["id"])) == (("CANCELED", None), [])
    assert run_row(db, operation.execution.run_id) == ended
    assert db.rows("select from perdure.deliveries where due_at is not null") == []


def test_a_continued_run_has_its_request_sent_anew_and_once(
    db: Database, builders: Builders, clock: Clock
) -> None:
    operation = perform(builders, {"url": URL, "retry": {"503": {"strategy": "backoff"}}})
    environment_id = operation.execution.body["environment"]["id"]
    assert operation.answered(status=503) == "PENDING"  # and waits for its next attempt
    old = operation.db.value(
        "select id from perdure.deliveries where subject_id = %s", operation.opened["id"]
    )
    db.call("cancel_run", environment_id, operation.execution.run_id)
    db.call("continue_run", environment_id, operation.execution.run_id)
    (execution,) = builders.claims()
    again = open_operation(execution, {"url": URL})
    assert (again.opened["id"], again.opened["status"]) == (operation.opened["id"], "RUNNING")
    execution.reply("RESUME_WITH_TASK", task=again.opened)
    clock.advance(timedelta(minutes=1))
    assert again.answered({"ok": True}) == "DELIVERED"
    assert again.outcome == ("COMPLETED", {"ok": True})
    assert delivery(db, old).status == "FAILED"


def parallel(builders: Builders, *kinds: str) -> tuple[Any, list[Any]]:
    """A run that waits for parallel operations; the execution and the operations."""
    execution = builders.claim()
    (parent,) = execution.stored(task("both", parallel=True))
    opened = [
        open_operation(execution, {"url": URL}, kind=kind, key=f"get {n}", parentId=parent["id"])
        for n, kind in enumerate(kinds)
    ]
    children = [{"status": "RESUME_WITH_TASK", "task": each.opened} for each in opened]
    reply = execution.reply("RESUME_WITH_PARALLEL_TASK", task=parent, childErrors=children)
    assert reply == "WAITING_TO_CONTINUE"
    return execution, opened


def test_parallel_operations_wake_their_run_once_all_are_done(db: Database, builders: Builders) -> None:
    execution, _ = parallel(builders, "fetch", "fetch-response", "fetch")
    first, second, third = claim(db, kind="FETCH")
    apply(db, answer(first, 1))
    assert queued(db) == []
    assert apply(db, answer(second, 2), answer(third, "refused", 403)) == ["DELIVERED", "DELIVERED"]
    assert queued(db) == [execution.run_id]
    assert db.call("doctor") == []


def test_an_operation_beside_a_task_that_only_an_execution_takes_further(
    db: Database, builders: Builders
) -> None:
    """A parallel child that runs without being an operation is not waited for (protocol 4.8)."""
    execution = builders.claim()
    (parent,) = execution.stored(task("both", parallel=True))
    operation = open_operation(execution, {"url": URL}, parentId=parent["id"])
    execution.stored(task("plain", parentId=parent["id"]))
    child = {"status": "RESUME_WITH_TASK", "task": operation.opened}
    execution.reply("RESUME_WITH_PARALLEL_TASK", task=parent, childErrors=[child])
    assert operation.answered(1) == "DELIVERED"
    assert operation.goes_on()


def test_a_request_that_kills_whoever_sends_it_is_given_up(
    db: Database, builders: Builders, clock: Clock
) -> None:
    operation = perform(builders, {"url": URL})
    for _ in range(14):
        operation.request()  # and is never heard of again
        clock.advance(timedelta(seconds=131))
    assert claim(db, kind="FETCH") == []
    status, output = operation.outcome
    assert (status, "None of 14 attempts was answered" in output["message"]) == ("ERRORED", True)
    assert operation.goes_on()
    assert db.call("doctor") == []


def test_answers_that_fail_do_not_count_as_unanswered(db: Database, builders: Builders, clock: Clock) -> None:
    policy = {"strategy": "backoff", "limit": 40, "maxTimeoutInMs": 1}
    operation = perform(builders, {"url": URL, "retry": {"503": policy}})
    for attempt in range(30):
        if attempt % 3 == 0:
            operation.request()
            clock.advance(timedelta(seconds=131))
        assert operation.answered(status=503) == "PENDING", attempt
        clock.advance(timedelta(seconds=1))
    assert operation.answered(1) == "DELIVERED"
