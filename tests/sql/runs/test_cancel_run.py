"""Cancelling a run, in every state it can be in."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.sql.rows import leased, queued, run_row, snapshot, task_row, task_statuses
from tests.support.builders import Builders, Environment, Run, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def queued_run(builders: Builders) -> Run:
    return builders.run()


def executing_run(builders: Builders) -> Run:
    run = builders.run()
    builders.claim(run).store(task("open"))
    return run


def waiting_run(builders: Builders) -> Run:
    run = builders.run()
    builders.claim(run).reply("RESUME_WITH_TASK", task=task("open", delaySeconds=60))
    return run


def yielded_run(builders: Builders) -> Run:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(task("open"))
    claim.reply("YIELD_EXECUTION", key="a")
    return run


def backing_off_run(builders: Builders) -> Run:
    run = builders.run()
    builders.claim(run).reply("AUTO_YIELD_RATE_LIMIT", reset=4_000_000_000_000)
    return run


def unconnected_run(builders: Builders) -> Run:
    run = builders.run()
    builders.db.execute("alter table perdure.runs disable trigger all")
    builders.db.execute("update perdure.runs set status = 'WAITING_ON_CONNECTIONS'")
    builders.db.execute("alter table perdure.runs enable trigger all")
    return run


@pytest.mark.parametrize(
    "make", [queued_run, executing_run, waiting_run, yielded_run, backing_off_run, unconnected_run]
)
def test_an_unfinished_run_is_cancelled(
    db: Database, builders: Builders, clock: Clock, make: Callable[[Builders], Run]
) -> None:
    run = make(builders)
    had_tasks = bool(task_statuses(db, run.id))
    answer = db.call("cancel_run", run.environment.id, run.id)
    assert (answer["id"], answer["status"]) == (run.id, "CANCELED")
    row = run_row(db, run.id)
    assert (row.status, row.due_at, row.completed_at is not None, leased(db)) == ("CANCELED", None, True, [])
    if had_tasks:
        assert task_statuses(db, run.id) == {"open": "CANCELED"}
        assert task_row(db, run.id, "open").due_at is None
    # nothing wakes it, and a message that is still in the queue is passed over
    clock.advance(timedelta(days=40_000))
    assert db.call("promote_due") == [(0, 0, 0, None)]
    assert builders.claims() == []
    assert (queued(db), db.call("doctor")) == ([], [])

    before = snapshot(db)
    assert db.call("cancel_run", run.environment.id, run.id)["status"] == "CANCELED"
    assert snapshot(db) == before


def test_finished_tasks_of_a_cancelled_run_keep_their_results(db: Database, builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).store(
        task("done", status="COMPLETED", output=1), task("failed", status="ERRORED", error={"message": "no"})
    )
    db.call("cancel_run", run.environment.id, run.id)
    assert task_statuses(db, run.id) == {"done": "COMPLETED", "failed": "ERRORED"}


@pytest.mark.parametrize(("reply", "status"), [("SUCCESS", "SUCCESS"), ("ERROR", "FAILURE")])
def test_a_run_that_ended_otherwise_is_left_alone(
    db: Database, builders: Builders, reply: str, status: str
) -> None:
    run = builders.run()
    builders.claim(run).reply(reply, error={"message": "no"})
    before = snapshot(db)
    with refused("JQ003", run.id, status):
        db.call("cancel_run", run.environment.id, run.id)
    assert snapshot(db) == before


def test_another_environments_run_is_not_found(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    run = builders.run()
    other = make_environment("prod", project=run.environment.project)
    for environment_id, run_id in ((other.id, run.id), (run.environment.id, other.id), (None, run.id)):
        with refused("JQ001"):
            db.call("cancel_run", environment_id, run_id)
    assert run.status == "QUEUED"
