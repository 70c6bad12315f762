"""Runs that get nowhere are executed later and later, and end; progress forgives them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.rows import queued, run_row
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def yield_idle(claim: Claim) -> str:
    """An auto yield before any task."""
    return claim.reply("AUTO_YIELD_EXECUTION", location="start_task", timeRemaining=1, timeElapsed=2)


def delay_s(db: Database, claim: Claim) -> float | None:
    """Seconds from the reply until the run is executed again; None: at once."""
    run = run_row(db, claim.run_id)
    return None if run.due_at is None else (run.due_at - run.updated_at).total_seconds()


def claim_next(db: Database, builders: Builders, clock: Clock) -> Claim:
    """Let the backoff pass; claim the run again."""
    clock.advance(timedelta(minutes=2))
    db.call("promote_due")
    (claim,) = builders.claims()
    return claim


def test_the_delays_grow_up_to_a_minute(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    delays = []
    for _ in range(19):
        assert yield_idle(claim) == "WAITING_TO_EXECUTE"
        delays.append(delay_s(db, claim))
        claim = claim_next(db, builders, clock)
    assert delays[0] is None
    assert delays[1:4] == pytest.approx([1.5, 2.25, 3.375])
    assert delays[-1] == pytest.approx(60)
    assert yield_idle(claim) == "FAILURE"
    output = run_row(db, claim.run_id).output
    assert "no progress in 20 executions in a row" in output["message"]
    assert "start_task" in output["message"]


def test_progress_begins_the_count_anew(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    for number in range(45):
        if number % 15 == 14:
            claim.stored(task(f"step {number}", status="COMPLETED"))
        assert yield_idle(claim) == "WAITING_TO_EXECUTE", number
        claim = claim_next(db, builders, clock)
    assert run_row(db, claim.run_id).idle_count < 15


def test_progress_is_executed_again_at_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.stored(task("a step", status="COMPLETED"))
    yield_idle(claim)
    assert queued(db) == [claim.run_id]


def test_a_rate_limit_that_says_when_is_no_idleness(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    for _ in range(25):
        reset = (clock.now() + timedelta(seconds=30)).timestamp() * 1000
        assert claim.reply("AUTO_YIELD_RATE_LIMIT", reset=reset) == "WAITING_TO_EXECUTE"
        assert queued(db) == []
        claim = claim_next(db, builders, clock)
    assert run_row(db, claim.run_id).idle_count == 0


def test_limits_of_the_environment_end_a_run(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run()
    db.call("set_run_limits", run.environment.id, 2, None)
    claim = builders.claim(run)
    for number in range(2):
        claim.stored(task(f"step {number}", status="COMPLETED"))
        claim.reply("YIELD_EXECUTION", key=str(number))
        found = builders.claims()
        if found:
            (claim,) = found
    assert run_row(db, run.id).status == "TIMED_OUT"
    assert "executed 2 times" in run_row(db, run.id).output["message"]
    assert db.call("doctor") == []


def test_the_duration_of_all_executions_is_limited(db: Database, builders: Builders) -> None:
    run = builders.run()
    db.call("set_run_limits", run.environment.id, None, 1000)
    claim = builders.claim(run)
    claim.apply("REPLY", httpStatus=200, durationMs=1500, reply={"status": "YIELD_EXECUTION", "key": "a"})
    assert builders.claims() == []
    assert run_row(db, run.id).status == "TIMED_OUT"


def test_a_reply_that_waits_for_what_is_over_is_no_hot_loop(
    db: Database, builders: Builders, clock: Clock
) -> None:
    """No SDK does that; a broken one must not keep a core busy."""
    claim = builders.claim()
    (done,) = claim.stored(task("done", status="COMPLETED"))
    assert claim.reply("RESUME_WITH_TASK", task=done) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]
    (claim,) = builders.claims()
    delays = []
    for _ in range(4):
        assert claim.reply("RESUME_WITH_TASK", task=done) == "WAITING_TO_EXECUTE"
        delays.append(delay_s(db, claim))
        claim = claim_next(db, builders, clock)
    assert delays[0] is None
    assert delays[1:] == pytest.approx([1.5, 2.25, 3.375])
    claim.stored(task("more", status="COMPLETED"))
    claim.reply("RESUME_WITH_TASK", task=done)
    assert (queued(db), run_row(db, claim.run_id).idle_count) == ([claim.run_id], 0)
