"""The EXECUTE_JOB requests of a run, as the view shows them: each once, wherever it is kept."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.operations.performing import URL, open_operation
from tests.sql.rows import run_row, snapshot
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def claim_by(builders: Builders, dispatcher: str) -> Claim:
    """The only run that is ready, in the hands of this dispatcher."""
    (claim,) = builders.claims(dispatcher=dispatcher)
    return claim


def requests(db: Database, run_id: str) -> list[dict[str, Any]]:
    """The requests of a run as people see them, oldest first."""
    found = db.rows("select * from perdure_views.executions where run_id = %s order by lease_number", run_id)
    return [row._asdict() for row in found]


def kept_apart(db: Database) -> int:
    """How many requests have a row of their own."""
    count: int = db.value("select count(*) from perdure.executions")
    return count


@pytest.mark.parametrize(
    "members", [{"httpStatus": 200}, {"httpStatus": 203}, {}], ids=["200", "203", "connected"]
)
def test_the_run_tells_of_a_success_at_the_first_try(
    db: Database, builders: Builders, clock: Clock, members: dict[str, int]
) -> None:
    builders.run()
    claim = claim_by(builders, "first")
    (begun,) = requests(db, claim.run_id)
    assert (begun["dispatcher"], begun["ended_at"], begun["verdict"]) == ("first", None, None)
    clock.advance(timedelta(seconds=1))
    claim.apply("REPLY", durationMs=1003, reply={"status": "SUCCESS", "output": 1}, **members)

    run = run_row(db, claim.run_id)
    assert run.completed_at - begun["claimed_at"] >= timedelta(seconds=1)
    assert requests(db, claim.run_id) == [
        {
            "run_id": claim.run_id,
            "lease_number": 1,
            "dispatcher": "first",
            "claimed_at": begun["claimed_at"],
            "ended_at": run.completed_at,
            "duration_ms": 1003,
            "verdict": "REPLY",
            "reply_status": "SUCCESS",
            "http_status": members.get("httpStatus"),
            "message": None,
        }
    ]
    assert kept_apart(db) == 0


def test_tasks_beside_a_success_make_no_difference(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.store(task("done", status="COMPLETED"))
    claim.reply("SUCCESS", tasks=[task("rider", noop=True)])
    (request,) = requests(db, claim.run_id)
    assert (request["reply_status"], kept_apart(db)) == ("SUCCESS", 0)


def test_successes_and_others_in_one_batch_are_told_apart(db: Database, builders: Builders) -> None:
    builders.runs(3)
    claims = builders.claims()
    replies = [{"status": "SUCCESS"}, {"status": "ERROR", "error": {}}, {"status": "SUCCESS"}]
    db.call(
        "apply_results",
        [
            {"runId": c.run_id, "leaseNumber": 1, "verdict": "REPLY", "durationMs": n, "reply": reply}
            for n, (c, reply) in enumerate(zip(claims, replies, strict=True))
        ],
    )
    found = [requests(db, claim.run_id) for claim in claims]
    assert [[(r["reply_status"], r["duration_ms"]) for r in of_run] for of_run in found] == [
        [("SUCCESS", 0)],
        [("ERROR", 1)],
        [("SUCCESS", 2)],
    ]
    assert kept_apart(db) == 1


def test_a_run_that_waits_first_has_both_requests(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    claim.reply("RESUME_WITH_TASK", task=task("nap", noop=True, delaySeconds=5))
    clock.advance(timedelta(seconds=6))
    db.call("promote_due")
    claim_by(builders, "second").reply("SUCCESS")

    first, last = requests(db, claim.run_id)
    assert [
        (r["lease_number"], r["dispatcher"], r["reply_status"], r["http_status"]) for r in (first, last)
    ] == [
        (1, "test", "RESUME_WITH_TASK", 200),
        (2, "second", "SUCCESS", 200),
    ]
    assert last["claimed_at"] - first["ended_at"] >= timedelta(seconds=6)
    assert last["ended_at"] == run_row(db, claim.run_id).completed_at


def test_a_run_that_fails_first_has_both_requests(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run(builders.endpoint(environment=builders.environment("prod")))
    claim_by(builders, "first").apply("UNREACHABLE", message="no connection")
    clock.advance(timedelta(seconds=1))
    db.call("promote_due")
    second = claim_by(builders, "second")
    ended, open_ = requests(db, run.id)
    assert (ended["dispatcher"], open_["dispatcher"], open_["ended_at"]) == ("first", "second", None)
    second.reply("SUCCESS")

    told = [(r["dispatcher"], r["verdict"], r["http_status"], r["message"]) for r in requests(db, run.id)]
    assert told == [("first", "UNREACHABLE", None, "no connection"), ("second", "REPLY", 200, None)]


def test_a_run_that_is_continued_keeps_its_requests(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.reply("ERROR", error={"message": "no"})
    db.call("continue_run", claim.body["environment"]["id"], claim.run_id)
    claim_by(builders, "second").reply("SUCCESS")
    found = [(r["lease_number"], r["dispatcher"], r["reply_status"]) for r in requests(db, claim.run_id)]
    assert found == [(1, "test", "ERROR"), (2, "second", "SUCCESS")]


def test_a_first_try_that_was_given_up_does_not_succeed(db: Database, builders: Builders) -> None:
    """It has no request: nobody knows what became of it."""
    claim = builders.claim()
    db.call("requeue_run", claim.run_id)
    assert requests(db, claim.run_id) == []
    claim_by(builders, "second").reply("SUCCESS")
    assert [r["lease_number"] for r in requests(db, claim.run_id)] == [2]


@pytest.mark.parametrize("status", ["SUCCESS", "ERROR"])
def test_a_late_result_changes_nothing(db: Database, builders: Builders, status: str) -> None:
    claim = builders.claim()
    claim.reply("SUCCESS")
    before = snapshot(db)
    late = {"status": status, "output": "late"}
    assert claim.apply("REPLY", httpStatus=203, durationMs=9, message="late", reply=late) == "DROPPED"
    assert snapshot(db) == before
    assert len(requests(db, claim.run_id)) == 1


def test_what_the_run_cannot_tell_is_kept_apart(db: Database, builders: Builders) -> None:
    """The duration of what the platform requests for a task counts into the run, and not into it."""
    claim = builders.claim()
    open_operation(claim, {"url": URL}).answered(durationMs=400)
    claim.apply("REPLY", durationMs=5, httpStatus=200, reply={"status": "SUCCESS"})
    assert run_row(db, claim.run_id).duration_ms == 405
    (request,) = requests(db, claim.run_id)
    assert (request["duration_ms"], request["reply_status"], kept_apart(db)) == (5, "SUCCESS", 1)


def test_a_message_beside_a_success_is_kept(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.apply("REPLY", httpStatus=200, message="slowly", reply={"status": "SUCCESS"})
    (request,) = requests(db, claim.run_id)
    assert (request["message"], request["reply_status"]) == ("slowly", "SUCCESS")


def test_the_requests_of_a_run_are_looked_up_by_index(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    with db.connection.transaction():
        db.execute("set local enable_seqscan = off")  # the tables are small
        lines = db.rows("explain select * from perdure_views.executions where run_id = %s", claim.run_id)
    plan = "\n".join(line[0] for line in lines)
    assert "Seq Scan" not in plan
    for index in ("executions_pkey", "runs_pkey", "leases_pkey"):
        assert index in plan, plan
