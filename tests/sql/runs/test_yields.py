"""Replies that want the run executed again: yields, auto yields, rate limits; and what resets failures."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sql.rows import (
    executions,
    queued,
    run_row,
    task_row,
)
from tests.support.builders import Builders, Environment, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

ERROR = {"message": "it broke", "name": "Error", "stack": "Error: it broke\n at line 1"}


def test_yield_remembers_the_key_and_executes_again_at_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert claim.body["yieldedExecutions"] == []
    for number in range(1, 101):
        assert claim.reply("YIELD_EXECUTION", key=f"key-{number}") == "WAITING_TO_EXECUTE"
        assert queued(db) == [claim.run_id]
        (claim,) = builders.claims()
    assert claim.body["yieldedExecutions"] == [f"key-{number}" for number in range(1, 101)]
    assert claim.reply("YIELD_EXECUTION", key="key-101") == "FAILURE"
    run = run_row(db, claim.run_id)
    assert run.output == {"message": "The run yielded more than 100 times"}
    assert (run.execution_count, len(executions(db, claim.run_id)), queued(db)) == (101, 101, [])


def test_auto_yield_executes_again_at_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    outcome = claim.reply(
        "AUTO_YIELD_EXECUTION", location="before_execute_task", timeRemaining=1, timeElapsed=2
    )
    assert outcome == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_auto_yield_of_an_app_that_could_not_store_a_task_waits_a_little(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    before = clock.now()
    claim.reply("AUTO_YIELD_EXECUTION", location="failed_task_run", timeRemaining=1, timeElapsed=2)
    assert queued(db) == []
    assert run_row(db, claim.run_id).due_at >= before + timedelta(seconds=1)
    clock.advance(timedelta(seconds=2))
    assert db.call("promote_due")[0].promoted_runs == 1
    assert (queued(db), run_row(db, claim.run_id).due_at) == ([claim.run_id], None)


@pytest.mark.parametrize(
    ("members", "output"), [({"output": '{"a": 1}'}, '{"a": 1}'), ({"output": "null"}, "null"), ({}, None)]
)
def test_auto_yield_with_a_completed_task_completes_it(
    db: Database, builders: Builders, members: dict[str, Any], output: str | None
) -> None:
    claim = builders.claim()
    shown = [{"label": "a", "text": "b"}]
    stored = claim.stored(task("task"))[0]
    outcome = claim.reply(
        "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", id=stored["id"], properties=shown, data={}, **members
    )
    assert outcome == "WAITING_TO_EXECUTE"
    row = task_row(db, claim.run_id, "task")
    assert (row.status, row.output_text, row.output_properties) == ("COMPLETED", output, shown)
    assert queued(db) == [claim.run_id]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELED"])
def test_auto_yield_with_a_task_that_ended_leaves_it(db: Database, builders: Builders, status: str) -> None:
    claim = builders.claim()
    stored = claim.stored(task("task"))[0]
    db.execute("update perdure.tasks set status = %s, completed_at = now(), output = '1'", status)
    outcome = claim.reply("AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", id=stored["id"], output="2", data={})
    assert outcome == "WAITING_TO_EXECUTE"
    assert (task_row(db, claim.run_id, "task").status, task_row(db, claim.run_id, "task").output) == (
        status,
        1,
    )


def test_auto_yield_with_a_task_that_failed_fails_the_run(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    failed = claim.stored(task("task", status="ERRORED", error=ERROR))[0]
    assert (
        claim.reply("AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", id=failed["id"], output="2", data={})
        == "FAILURE"
    )
    assert "failed before" in run_row(db, claim.run_id).output["message"]


def test_a_rate_limit_is_waited_for(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    reset = (clock.now() + timedelta(seconds=30)).replace(microsecond=0)
    assert claim.reply("AUTO_YIELD_RATE_LIMIT", reset=reset.timestamp() * 1000) == "WAITING_TO_EXECUTE"
    assert (run_row(db, claim.run_id).due_at, queued(db)) == (reset, [])
    assert db.call("promote_due")[0].promoted_runs == 0
    clock.advance(timedelta(seconds=31))
    assert db.call("promote_due")[0].promoted_runs == 1
    assert queued(db) == [claim.run_id]


def test_a_rate_limit_without_its_end_is_no_hot_loop(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    before: datetime = clock.now()
    assert claim.reply("AUTO_YIELD_RATE_LIMIT") == "WAITING_TO_EXECUTE"
    assert run_row(db, claim.run_id).due_at >= before + timedelta(seconds=1)


def test_a_good_reply_resets_the_failures(
    db: Database, builders: Builders, clock: Clock, make_environment: Callable[..., Environment]
) -> None:
    endpoint = builders.endpoint(environment=make_environment("prod"))
    claim = builders.claim(builders.run(endpoint))
    for count in (1, 2):
        claim.apply("UNREACHABLE", message="refused")
        assert run_row(db, claim.run_id).failure_count == count
        clock.advance(timedelta(seconds=10))
        db.call("promote_due")
        (claim,) = builders.claims()
    claim.reply("YIELD_EXECUTION", key="a")
    run = run_row(db, claim.run_id)
    assert (run.failure_count, run.execution_count) == (0, 3)
