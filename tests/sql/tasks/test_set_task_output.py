"""Giving a task another result by hand."""

import pytest

from tests.sql.rows import attempts, snapshot, task_row, task_statuses
from tests.support.builders import Builders, Claim, Run, task
from tests.support.database import Database
from tests.support.refusals import refused


def failed(builders: Builders) -> tuple[Run, Claim]:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(
        task("done", status="COMPLETED", output=1),
        task("failed", status="ERRORED", error={"message": "no"}),
        task("open", status="RUNNING"),
    )
    claim.reply("ERROR", error={"message": "no"})
    return run, claim


def give(db: Database, run: Run, key: str, output: object) -> dict[str, object]:
    task_id = task_row(db, run.id, key).id
    given: dict[str, object] = db.call("set_task_output", run.environment.id, run.id, task_id, output)
    return given


def test_a_continued_run_goes_on_with_the_given_result(db: Database, builders: Builders) -> None:
    run, _ = failed(builders)
    assert give(db, run, "failed", {"n": 1})["status"] == "COMPLETED"
    give(db, run, "open", None)
    tried = task_row(db, run.id, "failed")
    assert (tried.attempt_count, tried.output_text) == (2, '{"n": 1}')
    assert [(a.number, a.error) for a in attempts(db, tried.id)] == [(1, {"message": "no"})]
    assert attempts(db, task_row(db, run.id, "open").id) == []
    db.call("continue_run", run.environment.id, run.id)
    claim = builders.claim(run)
    known = {known["displayKey"]: known.get("output") for known in claim.body["tasks"]}
    assert known == {"done": 1, "failed": {"n": 1}, "open": None}
    assert task_statuses(db, run.id) == dict.fromkeys(("done", "failed", "open"), "COMPLETED")
    assert claim.reply("SUCCESS") == "SUCCESS"


def test_a_result_is_replaced_also_while_the_run_waits(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(task("done", status="COMPLETED", output=1, redact={"paths": ["token"]}))
    claim.reply("RESUME_WITH_TASK", task=task("a day", noop=True, delaySeconds=86400))
    ended_at = task_row(db, run.id, "done").completed_at
    given = give(db, run, "done", {"token": "secret", "n": 2})
    assert given["output"] == {"token": "[REDACTED]", "n": 2}
    row = task_row(db, run.id, "done")
    assert (row.output, row.completed_at, row.attempt_count) == ({"token": "secret", "n": 2}, ended_at, 1)
    with refused("JQ002", "has not ended"):
        give(db, run, "a day", 1)


def test_not_while_the_run_is_executed_or_about_to_be(db: Database, builders: Builders) -> None:
    run, _ = failed(builders)
    db.call("continue_run", run.environment.id, run.id)
    for status in ("QUEUED", "EXECUTING"):
        assert run.status == status
        before = snapshot(db)
        with refused("JQ002", status, "cancel it first"):
            give(db, run, "done", 2)
        assert snapshot(db) == before
        if status == "QUEUED":
            builders.claim(run)


@pytest.mark.parametrize("of_another", ["run", "environment"])
def test_only_a_task_of_the_run_and_of_the_environment(
    db: Database, builders: Builders, of_another: str
) -> None:
    run, _ = failed(builders)
    task_id = task_row(db, run.id, "done").id
    other = builders.run()
    db.call("cancel_run", other.environment.id, other.id)
    ids = (other.environment.id, other.id if of_another == "run" else run.id)
    with refused("JQ001"):
        db.call("set_task_output", *ids, task_id, 1)
