"""A result counts while its lease does; a late or repeated one changes nothing."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import executions, leased, queued, run_row, snapshot, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

RESULTS: list[dict[str, Any]] = [
    {"verdict": "REPLY", "reply": {"status": "SUCCESS", "tasks": [task("rider", noop=True)]}},
    {"verdict": "REPLY", "reply": {"status": "RESUME_WITH_TASK", "task": task("wait", delaySeconds=5)}},
    {"verdict": "REPLY", "reply": {"status": "YIELD_EXECUTION", "key": "late"}},
    {"verdict": "REPLY", "reply": {"status": "RETRY_WITH_TASK", "task": task("a"), "retryAt": "malformed"}},
    {"verdict": "UNREACHABLE", "message": "late"},
    {"verdict": "REFUSED", "message": "late"},
    {"verdict": "FUNCTION_TIMEOUT"},
    {"verdict": "MALFORMED"},
    {"verdict": "LEASE_EXPIRED"},
]


def assert_nothing_counts(db: Database, claim: Claim, outcome: str) -> None:
    before = snapshot(db)
    for result in RESULTS:
        assert claim.apply(**result) == outcome
    assert snapshot(db) == before


def test_a_result_handed_in_twice_counts_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert claim.reply("YIELD_EXECUTION", key="a") == "WAITING_TO_EXECUTE"
    assert_nothing_counts(db, claim, "LEASE_LOST")
    assert len(executions(db, claim.run_id)) == 1


def test_a_result_that_is_in_its_batch_twice_counts_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    result = {
        "runId": claim.run_id,
        "leaseNumber": 1,
        "verdict": "REPLY",
        "durationMs": 5,
        "reply": {"status": "YIELD_EXECUTION", "key": "a"},
    }
    found = db.call("apply_results", [result, result])
    assert [row.outcome for row in found] == ["WAITING_TO_EXECUTE"] * 2
    row = run_row(db, claim.run_id)
    assert (row.execution_count, row.yielded_keys, queued(db)) == (1, ["a"], [claim.run_id])


def test_the_reply_of_an_old_lease_changes_nothing(db: Database, builders: Builders, clock: Clock) -> None:
    old = builders.claim()
    clock.advance(timedelta(seconds=71))
    assert db.call("promote_due")[0].reaped_leases == 1
    assert_nothing_counts(db, old, "LEASE_LOST")  # given up, waiting for its next turn

    clock.advance(timedelta(seconds=2))
    db.call("promote_due")
    (new,) = builders.claims()
    assert (new.run_id, new.lease_number) == (old.run_id, 2)
    assert_nothing_counts(db, old, "LEASE_LOST")  # executing under another lease

    assert new.reply("SUCCESS", output="new") == "SUCCESS"
    assert_nothing_counts(db, old, "DROPPED")
    assert run_row(db, old.run_id).output == "new"


def test_a_lease_holds_until_it_is_reaped(db: Database, builders: Builders, clock: Clock) -> None:
    """Late by the clock, but nobody has taken the run back: the reply is as good as ever."""
    claim = builders.claim()
    clock.advance(timedelta(hours=1))
    assert claim.reply("SUCCESS", output=1) == "SUCCESS"
    assert db.call("promote_due")[0].reaped_leases == 0


def test_the_reply_of_a_cancelled_run_is_dropped(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(task("open"))
    db.call("cancel_run", run.environment.id, run.id)
    assert leased(db) == []
    assert_nothing_counts(db, claim, "DROPPED")
    assert task_statuses(db, run.id) == {"open": "CANCELED"}


@pytest.mark.parametrize("lease_number", [0, 2, None])
def test_a_result_with_a_number_that_was_never_given_changes_nothing(
    db: Database, builders: Builders, lease_number: int | None
) -> None:
    claim = builders.claim()
    before = snapshot(db)
    result = {"runId": claim.run_id, "leaseNumber": lease_number, "verdict": "REFUSED", "durationMs": 5}
    assert db.call("apply_results", [result])[0].outcome == "LEASE_LOST"
    assert snapshot(db) == before


def test_a_result_of_an_unknown_run_changes_nothing(db: Database, builders: Builders) -> None:
    unknown = Claim(db, "01900000-0000-7000-8000-000000000000", 1, "", 1, [], {})
    builders.run()
    assert_nothing_counts(db, unknown, "LEASE_LOST")


def test_late_results_do_not_touch_the_others_of_their_batch(db: Database, builders: Builders) -> None:
    builders.runs(3)
    late, cancelled, good = builders.claims()
    late.reply("YIELD_EXECUTION", key="a")
    db.call("cancel_run", cancelled.body["environment"]["id"], cancelled.run_id)
    results = [
        {
            "runId": claim.run_id,
            "leaseNumber": 1,
            "verdict": "REPLY",
            "durationMs": 1,
            "reply": {"status": "SUCCESS"},
        }
        for claim in (late, cancelled, good)
    ]
    found = db.call("apply_results", results)
    assert [row.outcome for row in found] == ["LEASE_LOST", "DROPPED", "SUCCESS"]


def test_who_asks_for_no_more_than_is_needed_hears_nothing_of_successes(
    db: Database, builders: Builders
) -> None:
    def hand_in(*claims: Claim) -> list[str]:
        results = [
            {
                "runId": claim.run_id,
                "leaseNumber": claim.lease_number,
                "verdict": "REPLY",
                "durationMs": 1,
                "reply": {"status": "SUCCESS", "output": 1},
            }
            for claim in claims
        ]
        return [row.outcome for row in db.call("apply_results", results, True)]

    builders.runs(3)
    first, second, third = builders.claims()
    assert hand_in(first, second) == []
    assert [run_row(db, claim.run_id).status for claim in (first, second)] == ["SUCCESS", "SUCCESS"]
    assert hand_in(second, third) == ["DROPPED", "SUCCESS"]


def test_a_wait_that_ended_before_its_reply_was_handed_in_does_not_strand_the_run(
    db: Database, builders: Builders, clock: Clock
) -> None:
    """The v2 SDK stores the wait first; its end finds the run executing and cannot wake it."""
    claim = builders.claim()
    (stored,) = claim.store(task("wait", noop=True, delaySeconds=1))
    clock.advance(timedelta(seconds=2))
    promoted = db.call("promote_due")[0]
    assert (promoted.promoted_runs, run_row(db, claim.run_id).status) == (0, "EXECUTING")
    assert task_statuses(db, claim.run_id) == {"wait": "COMPLETED"}
    assert claim.reply("RESUME_WITH_TASK", task=stored.response) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]
    assert db.call("doctor") == []
