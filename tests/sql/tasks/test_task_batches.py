"""Storing tasks for many callers in one call: each is answered for itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.sql.rows import snapshot, task_statuses
from tests.support.builders import Builders, Claim, Environment, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def v2_call(claim: Claim, body: dict[str, Any], **identity: Any) -> dict[str, Any]:
    """A call of an SDK that knows no leases."""
    return {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, **identity, "task": body}


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
                None,
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
    assert task_statuses(db, ended.run_id) == {"c": "CANCELED"}  # its late execution stops there
    assert task_statuses(db, lost.run_id) == {}


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
    ({"task": "text"}, "scalar"),
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


def test_a_lease_lost_in_between_is_noticed(db: Database, builders: Builders, clock: Clock) -> None:
    old = builders.claim()
    old.stored(task("a"))
    clock.advance(timedelta(seconds=71))
    db.call("promote_due")
    clock.advance(timedelta(seconds=2))
    db.call("promote_due")
    (new,) = builders.claims()
    before = snapshot(db)
    (row,) = old.store(task("a", status="COMPLETED", output="old"))
    assert row.error_code == "JQ005"
    assert snapshot(db) == before
    assert new.stored(task("a", status="COMPLETED", output="new"))[0]["output"] == "new"
