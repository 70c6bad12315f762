"""fetch-poll: asked again and again until the answer matches, or time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import claim
from tests.sql.operations.performing import URL, Operation, open_operation, perform
from tests.sql.rows import attempts
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock

DONE = {"body": {"state": ["done"]}}


def poll(builders: Builders, **params: Any) -> Operation:
    return perform(builders, {"url": URL, "responseFilter": DONE, **params}, kind="fetch-poll")


def children(operation: Operation) -> list[Any]:
    """The tasks that show the attempts."""
    return operation.db.rows(
        "select * from perdure.tasks where parent_id = %s order by id", operation.opened["id"]
    )


def test_polls_until_the_answer_matches(db: Database, builders: Builders, clock: Clock) -> None:
    operation = poll(builders)
    assert operation.answered({"state": "new"}, headers={"x-a": "b"}) == "PENDING"
    assert operation.wait_s() == pytest.approx(10, abs=0.5)
    clock.advance(timedelta(seconds=10))
    assert operation.failed("TIMEOUT", "too slow") == "PENDING"
    clock.advance(timedelta(seconds=10))
    assert operation.answered({"state": "done"}, 503) == "PENDING"  # without status only a good one counts
    clock.advance(timedelta(seconds=10))
    assert operation.answered({"state": "done", "n": 4}) == "DELIVERED"
    assert operation.outcome == ("COMPLETED", {"state": "done", "n": 4})
    assert operation.goes_on()

    shown = children(operation)
    assert {(row.name, row.icon, row.status, row.noop) for row in shown} == {
        ("poll attempt", "activity", "COMPLETED", True)
    }
    assert [row.params for row in shown] == [
        {"status": 200, "headers": {"x-a": "b"}, "body": {"state": "new"}},
        {"error": "too slow"},
        {"status": 503, "headers": {}, "body": {"state": "done"}},
        {"status": 200, "headers": {}, "body": {"state": "done", "n": 4}},
    ]
    (nested,) = db.call(
        "get_run",
        operation.execution.body["environment"]["id"],
        operation.execution.run_id,
        subtasks=True,
        task_details=True,
    )["tasks"]
    assert [task["name"] for task in nested["subtasks"]] == ["poll attempt"] * 4
    assert attempts(db, operation.opened["id"]) == []
    assert db.call("doctor") == []


@pytest.mark.parametrize(("interval", "wait_s"), [(1, 10), (25, 25), (9999, 600), ("x", 10)])
def test_the_interval_is_clamped(builders: Builders, interval: Any, wait_s: float) -> None:
    operation = poll(builders, interval=interval, timeout=3600)
    operation.answered({})
    assert operation.wait_s() == pytest.approx(wait_s, abs=0.5)


@pytest.mark.parametrize(("timeout", "seconds"), [(None, 600), (1, 30), (45, 45), (99999, 3600), ("x", 600)])
def test_time_is_over(builders: Builders, clock: Clock, timeout: Any, seconds: int) -> None:
    operation = poll(builders, interval=600, timeout=timeout)
    assert operation.answered({}) == "PENDING"
    clock.advance(timedelta(seconds=min(seconds, 600) - 2))
    assert claim(operation.db, kind="FETCH") == []
    clock.advance(timedelta(seconds=2))
    while operation.answered({}) == "PENDING":
        assert operation.wait_s() <= 600
        clock.advance(timedelta(seconds=600))
    assert operation.outcome == ("ERRORED", {"message": f"Task timed out after {seconds} seconds"})
    assert operation.goes_on()


def test_a_continued_run_has_all_the_time_again(db: Database, builders: Builders, clock: Clock) -> None:
    operation = poll(builders, timeout=30)
    environment_id = operation.execution.body["environment"]["id"]
    operation.answered({})
    db.call("cancel_run", environment_id, operation.execution.run_id)
    clock.advance(timedelta(hours=1))
    db.call("continue_run", environment_id, operation.execution.run_id)
    (execution,) = builders.claims()
    again = open_operation(execution, {"url": URL}, kind="fetch-poll")
    assert again.answered({}) == "PENDING"
    assert len(children(again)) == 2


FILTERS: list[tuple[Any, int, dict[str, str], Any, bool]] = [
    (None, 200, {}, "no JSON", True),
    ({}, 204, {}, "", True),
    ({}, 404, {}, {}, False),
    ({"status": [200, 202]}, 202, {}, {}, True),
    ({"status": [200, 202]}, 201, {}, {}, False),
    ({"status": [404]}, 404, {}, {}, True),
    ({"status": []}, 201, {}, {}, True),
    ({"headers": {"X-State": ["done"]}}, 200, {"x-state": "done"}, {}, True),
    ({"headers": {"X-State": ["done"]}}, 200, {"x-state": "new"}, {}, False),
    ({"headers": {"X-State": [{"$startsWith": "do"}]}}, 200, {"x-state": "done"}, {}, True),
    ({"headers": {"X-State": ["done"]}}, 200, {}, {}, False),
    (DONE, 200, {}, {"state": "done"}, True),
    (DONE, 200, {}, {"state": "new"}, False),
    (DONE, 200, {}, "done", False),
    ({"body": {"n": [{"$gt": 3}]}, "status": [200]}, 200, {}, {"n": 4}, True),
    ({"status": [200], "headers": {"a": ["b"]}, **DONE}, 200, {"a": "c"}, {"state": "done"}, False),
]


def test_filters(builders: Builders, clock: Clock) -> None:
    builders.runs(len(FILTERS))
    for execution, (each, status, headers, body, matches) in zip(
        builders.claims(len(FILTERS)), FILTERS, strict=True
    ):
        operation = open_operation(execution, {"url": URL, "responseFilter": each}, kind="fetch-poll")
        outcome = operation.answered(body, status, headers=headers)
        assert (outcome == "DELIVERED") is matches, (each, status, headers, body)
        clock.advance(timedelta(seconds=1))
        if not matches:
            environment_id = execution.body["environment"]["id"]
            builders.db.call("cancel_run", environment_id, execution.run_id)


def test_hundreds_of_attempts_are_no_reason_to_give_up(builders: Builders, clock: Clock) -> None:
    operation = poll(builders, timeout=3600)
    for _ in range(40):
        assert operation.answered({}) == "PENDING"
        clock.advance(timedelta(seconds=10))
    assert operation.answered({"state": "done"}) == "DELIVERED"


def test_a_large_body_is_not_kept_with_each_attempt(builders: Builders) -> None:
    operation = poll(builders, responseFilter={"status": [201]})
    operation.answered({"text": "x" * 60_000})
    assert children(operation)[0].params["body"] == "(60012 characters)"
