"""RESUME_WITH_PARALLEL_TASK: the children's replies are applied, and the run waits for all of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import attempts, queued, run_row, task_row, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

ERROR = {"message": "it broke"}


def stored(claim: Claim, key: str, **members: Any) -> dict[str, Any]:
    return claim.stored(task(key, **members))[0]


@pytest.fixture
def claim(builders: Builders) -> Claim:
    """An execution that has begun a parallel task."""
    claim = builders.claim()
    claim.store(task("parallel", parallel=True))
    return claim


def child(claim: Claim, key: str, **members: Any) -> dict[str, Any]:
    return stored(claim, key, parentKey=task("parallel")["idempotencyKey"], **members)


def answer(claim: Claim, *replies: dict[str, Any]) -> str:
    return claim.reply("RESUME_WITH_PARALLEL_TASK", task=stored(claim, "parallel"), childErrors=replies)


def test_the_run_waits_while_children_wait(
    db: Database, builders: Builders, claim: Claim, clock: Clock
) -> None:
    short = child(claim, "short", noop=True, delaySeconds=1)
    long = child(claim, "long", noop=True, delaySeconds=9)
    waits = [{"status": "RESUME_WITH_TASK", "task": each} for each in (short, long)]
    assert answer(claim, *waits) == "WAITING_TO_CONTINUE"
    assert queued(db) == []
    clock.advance(timedelta(seconds=10))
    assert db.call("promote_due")[0].promoted_runs == 1
    assert task_statuses(db, claim.run_id) == {
        "parallel": "RUNNING",
        "short": "COMPLETED",
        "long": "COMPLETED",
    }


def test_a_child_that_waits_inside_a_task_holds_the_run(db: Database, claim: Claim) -> None:
    """The wait is no child of the parallel task itself; to execute again at once would be a hot loop."""
    outer = child(claim, "outer")
    inner = stored(claim, "inner", noop=True, delaySeconds=9, parentId=outer["id"])
    assert answer(claim, {"status": "RESUME_WITH_TASK", "task": inner}) == "WAITING_TO_CONTINUE"


def test_a_child_that_is_to_be_tried_again_is_scheduled(
    db: Database, builders: Builders, claim: Claim, clock: Clock
) -> None:
    flaky = child(claim, "flaky")
    retry_at = clock.now() + timedelta(seconds=30)
    reply = {"status": "RETRY_WITH_TASK", "task": flaky, "error": ERROR, "retryAt": retry_at.isoformat()}
    assert answer(claim, reply) == "WAITING_TO_CONTINUE"
    row = task_row(db, claim.run_id, "flaky")
    assert (row.status, row.attempt_count, row.due_at) == ("WAITING", 2, retry_at)
    assert [attempt.error for attempt in attempts(db, row.id)] == [ERROR]
    clock.advance(timedelta(seconds=31))
    assert db.call("promote_due")[0].promoted_runs == 1
    (again,) = builders.claims()
    assert task_statuses(db, again.run_id) == {"parallel": "RUNNING", "flaky": "RUNNING"}


def test_nothing_that_waits_executes_again_at_once(db: Database, claim: Claim) -> None:
    done = child(claim, "done", status="COMPLETED")
    assert answer(claim, {"status": "RESUME_WITH_TASK", "task": done}) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_a_child_that_yields_executes_again_at_once(db: Database, claim: Claim) -> None:
    wait = child(claim, "wait", noop=True, delaySeconds=9)
    flaky = child(claim, "flaky")
    outcome = answer(
        claim,
        {"status": "RESUME_WITH_TASK", "task": wait},
        {"status": "RETRY_WITH_TASK", "task": flaky, "error": ERROR},
        {"status": "YIELD_EXECUTION", "key": "a"},
    )
    assert outcome == "WAITING_TO_EXECUTE"
    assert (run_row(db, claim.run_id).yielded_keys, queued(db)) == (["a"], [claim.run_id])
    assert task_statuses(db, claim.run_id) == {"parallel": "RUNNING", "wait": "WAITING", "flaky": "WAITING"}


def test_a_child_that_completes_a_task_with_its_yield(db: Database, claim: Claim) -> None:
    done = child(claim, "done")
    reply = {
        "status": "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK",
        "id": done["id"],
        "output": "[1]",
        "data": {},
    }
    assert answer(claim, reply) == "WAITING_TO_EXECUTE"
    assert (task_row(db, claim.run_id, "done").status, task_row(db, claim.run_id, "done").output) == (
        "COMPLETED",
        [1],
    )


@pytest.mark.parametrize(
    ("reply", "run_status", "output"),
    [
        ({"status": "ERROR", "error": ERROR}, "FAILURE", ERROR),
        ({"status": "INVALID_PAYLOAD", "errors": [1]}, "INVALID_PAYLOAD", [1]),
        ({"status": "UNRESOLVED_AUTH_ERROR", "issues": {"a": 1}}, "UNRESOLVED_AUTH", {"a": 1}),
    ],
)
def test_a_child_that_fails_ends_the_run(
    db: Database, claim: Claim, reply: dict[str, Any], run_status: str, output: Any
) -> None:
    wait = child(claim, "wait", noop=True, delaySeconds=9)
    failed = child(claim, "failed")
    outcome = answer(
        claim,
        {"status": "YIELD_EXECUTION", "key": "a"},
        {"status": "RESUME_WITH_TASK", "task": wait},
        {**reply, "task": failed},
    )
    assert outcome == run_status
    assert run_row(db, claim.run_id).output == output
    assert task_statuses(db, claim.run_id) == {"parallel": "ERRORED", "wait": "ERRORED", "failed": "ERRORED"}
    failed_output = task_row(db, claim.run_id, "failed").output
    assert failed_output == (ERROR if run_status == "FAILURE" else None)


def test_what_the_parallel_task_shows_is_kept(db: Database, claim: Claim) -> None:
    shown = [{"label": "items", "text": "2"}]
    parallel = {**stored(claim, "parallel"), "outputProperties": shown}
    wait = child(claim, "wait", noop=True, delaySeconds=9)
    claim.reply(
        "RESUME_WITH_PARALLEL_TASK", task=parallel, childErrors=[{"status": "RESUME_WITH_TASK", "task": wait}]
    )
    assert task_row(db, claim.run_id, "parallel").output_properties == shown


def test_parents_that_form_a_circle_are_no_parents(db: Database, builders: Builders, clock: Clock) -> None:
    """A client may say so; nothing that walks up from a task may go round for ever."""
    claim = builders.claim()
    key = {name: task(name)["idempotencyKey"] for name in "ab"}
    waiting, _ = claim.stored(
        task("a", parentKey=key["b"], noop=True, delaySeconds=1), task("b", parentKey=key["a"])
    )
    claim.stored(task("self", parentKey=task("self")["idempotencyKey"]))
    rows = {row.display_key: row.parent_id for row in db.rows("select * from perdure.tasks")}
    assert rows == {"a": None, "b": waiting["id"], "self": None}
    claim.reply("RESUME_WITH_TASK", task=waiting)
    clock.advance(timedelta(seconds=2))
    assert db.call("promote_due")[0].promoted_runs == 1
