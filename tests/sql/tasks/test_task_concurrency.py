"""Two connections at once: the same task from both."""

from typing import Any

import pytest

from tests.sql.rows import task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database


def call(claim: Claim, key: str, **members: Any) -> dict[str, Any]:
    identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, "leaseNumber": 1}
    return {**identity, "task": task(key, **members)}


@pytest.mark.parametrize(("end", "result"), [("commit", 1), ("rollback", 2)])
@pytest.mark.parametrize("known", [True, False])
def test_a_result_is_recorded_once_by_whoever_comes_first(
    db: Database, other: Database, builders: Builders, end: str, result: int, known: bool
) -> None:
    claim = builders.claim()
    if known:
        claim.store(task("a"))
    first = call(claim, "a", status="COMPLETED", output=1)
    second = call(claim, "a", status="COMPLETED", output=2)
    db.execute("begin")
    assert db.call("upsert_tasks", [first])[0].response["output"] == 1
    ((row,),) = blocked_until(db, end, (other, lambda: other.call("upsert_tasks", [second])))
    assert row.response["output"] == result
    assert db.value("select count(*) from perdure.tasks") == 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("backwards", [False, True])
def test_batches_in_opposite_order_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders, known: bool, backwards: bool
) -> None:
    claim = builders.claim()
    keys = ["a", "b", "c", "d"]
    if known:
        claim.store(*(task(key) for key in reversed(keys)))
    calls = [call(claim, key, status="COMPLETED", output=key) for key in keys]
    orders = [calls, calls[::-1]]
    first, second = reversed(orders) if backwards else orders
    db.execute("begin")
    if known:
        db.rows("select id from perdure.tasks where display_key = 'b' for update")
    else:
        db.call("upsert_tasks", [calls[1]])
    rows = blocked_until(
        db,
        "rollback",
        (other, lambda: [row.response["output"] for row in other.call("upsert_tasks", first)]),
        (third, lambda: [row.response["output"] for row in third.call("upsert_tasks", second)]),
    )
    assert sorted(rows) == [keys, keys[::-1]]
    assert sorted(task_statuses(db, claim.run_id).items()) == [(key, "COMPLETED") for key in keys]


def test_ends_in_opposite_order_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders
) -> None:
    claim = builders.claim()
    ids = [row.response["id"] for row in claim.store(*(task(key) for key in "abcd"))]
    identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, "leaseNumber": 1}
    calls = [{**identity, "taskId": task_id, "status": "COMPLETED"} for task_id in ids]
    db.execute("begin")
    db.rows("select id from perdure.tasks where id = %s for update", ids[1])
    answers = blocked_until(
        db,
        "rollback",
        (other, lambda: [row.response["id"] for row in other.call("finish_tasks", calls)]),
        (third, lambda: [row.response["id"] for row in third.call("finish_tasks", calls[::-1])]),
    )
    assert answers == [ids, ids[::-1]]
