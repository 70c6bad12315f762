"""Results of several dispatchers at once, about the same runs."""

from __future__ import annotations

from tests.sql.deliveries.delivering import answer, apply, claim
from tests.sql.operations.performing import URL, open_operation
from tests.sql.rows import queued
from tests.support.builders import Builders, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database


def test_batches_about_the_same_runs_in_another_order_do_not_wait_for_each_other(
    db: Database, builders: Builders, other: Database, third: Database
) -> None:
    """The first batch is about runs a, b, the second about b, a, by the order of the deliveries' ids."""
    runs = sorted(builders.runs(2), key=lambda run: run.id)
    executions = {execution.run_id: execution for execution in builders.claims()}
    order = [0, 1, 1, 0]
    opened = [
        open_operation(executions[runs[run].id], {"url": URL}, key=f"get {n}") for n, run in enumerate(order)
    ]
    for run, one, two in ((runs[0], opened[0], opened[3]), (runs[1], opened[1], opened[2])):
        (parent,) = executions[run.id].stored(task("both", parallel=True))
        db.execute(
            "update perdure.tasks set parent_id = %s where id in (%s, %s)",
            parent["id"],
            one.opened["id"],
            two.opened["id"],
        )
        children = [{"status": "RESUME_WITH_TASK", "task": each.opened} for each in (one, two)]
        executions[run.id].reply("RESUME_WITH_PARALLEL_TASK", task=parent, childErrors=children)
    first, second, third_one, fourth = claim(db, kind="FETCH")

    # Each batch has done, or locked, what it does before its second delivery.
    db.execute("begin")
    later = [second.delivery_id, fourth.delivery_id]
    db.execute("select 1 from perdure.deliveries where id = any(%s::uuid[]) for update", later)
    outcomes = blocked_until(
        db,
        "commit",
        (other, lambda: apply(other, answer(first, 1), answer(second, 2))),
        (third, lambda: apply(third, answer(third_one, 3), answer(fourth, 4))),
    )
    assert outcomes == [["DELIVERED", "DELIVERED"]] * 2
    assert sorted(queued(db)) == [run.id for run in runs]


def test_an_answer_while_the_execution_hands_in_its_reply(
    db: Database, builders: Builders, other: Database
) -> None:
    operation = open_operation(builders.claim(), {"url": URL})
    claimed = operation.request()
    db.execute("begin")
    assert operation.execution.reply("RESUME_WITH_TASK", task=operation.opened) == "WAITING_TO_CONTINUE"
    (outcome,) = blocked_until(db, "commit", (other, lambda: apply(other, answer(claimed, 1))))
    assert (outcome, operation.goes_on()) == (["DELIVERED"], True)


def test_a_reply_while_the_answer_is_handed_in(db: Database, builders: Builders, other: Database) -> None:
    operation = open_operation(builders.claim(), {"url": URL})
    claimed = operation.request()
    execution = operation.execution
    db.execute("begin")
    apply(db, answer(claimed, 1))
    reply = {"status": "RESUME_WITH_TASK", "task": operation.opened}
    result = {
        "runId": execution.run_id,
        "leaseNumber": execution.lease_number,
        "verdict": "REPLY",
        "durationMs": 5,
        "httpStatus": 200,
        "reply": reply,
    }
    (rows,) = blocked_until(db, "commit", (other, lambda: other.call("apply_results", [result])))
    assert ([row.outcome for row in rows], operation.goes_on()) == (["WAITING_TO_EXECUTE"], True)
