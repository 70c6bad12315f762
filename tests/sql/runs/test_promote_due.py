"""What time brings: ends of waits and backoffs, delayed events, expired leases; and when to look again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.sql.rows import queued, run_row, snapshot, task_row, task_statuses
from tests.support.builders import Builders, Claim, Environment, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

NOTHING = (0, 0, 0)


def counts(db: Database, limit: int = 1000) -> tuple[int, int, int]:
    row = db.call("promote_due", limit)[0]
    return row.promoted_runs, row.delivered_events, row.reaped_leases


def next_due_ms(db: Database) -> int | None:
    found: int | None = db.call("promote_due")[0].next_due_ms
    return found


def waiting(builders: Builders, count: int, *, seconds: float = 60, noop: bool = True) -> list[Claim]:
    """Runs that wait for a task each."""
    builders.runs(count)
    claims = builders.claims(count)
    for claim in claims:
        claim.reply("RESUME_WITH_TASK", task=task("wait", noop=noop, delaySeconds=seconds))
    return claims


def test_nothing_to_do_changes_nothing(db: Database, builders: Builders) -> None:
    assert db.call("promote_due") == [(0, 0, 0, None)]
    waiting(builders, 1)
    before = snapshot(db)
    assert counts(db) == NOTHING
    assert snapshot(db) == before


@pytest.mark.parametrize("limit", [None, 0, 1001])
def test_the_limit_must_be_in_range(pure_db: Database, limit: int | None) -> None:
    with refused("JQ010", "p_limit", "1..1000"):
        pure_db.call("promote_due", limit)


@pytest.mark.parametrize(("noop", "status"), [(True, "COMPLETED"), (False, "RUNNING")])
def test_a_wait_ends_once(db: Database, builders: Builders, clock: Clock, noop: bool, status: str) -> None:
    (claim,) = waiting(builders, 1, noop=noop)
    clock.advance(timedelta(seconds=61))
    assert counts(db) == (1, 0, 0)
    row = task_row(db, claim.run_id, "wait")
    assert (row.status, row.due_at, row.completed_at is not None) == (status, None, noop)
    assert run_row(db, claim.run_id).status == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]
    assert counts(db) == NOTHING
    assert queued(db) == [claim.run_id]


def test_a_wait_does_not_end_early(db: Database, builders: Builders, clock: Clock) -> None:
    (claim,) = waiting(builders, 1)
    due_at = task_row(db, claim.run_id, "wait").due_at
    clock.advance(due_at - clock.now() - timedelta(seconds=5))
    assert counts(db) == NOTHING
    clock.advance(timedelta(seconds=5))
    assert counts(db) == (1, 0, 0)


def test_the_limit_takes_the_oldest_first(db: Database, builders: Builders, clock: Clock) -> None:
    later = waiting(builders, 2, seconds=50)
    sooner = waiting(builders, 2, seconds=10)
    clock.advance(timedelta(seconds=60))
    assert db.call("promote_due", 2) == [(2, 0, 0, 0)]  # and more is due
    assert sorted(queued(db)) == sorted(claim.run_id for claim in sooner)
    assert db.call("promote_due", 2) == [(2, 0, 0, None)]
    assert sorted(queued(db)[2:]) == sorted(claim.run_id for claim in later)


def test_all_due_tasks_of_a_run_end_together(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    claim.store(*(task(f"wait-{n}", noop=True, delaySeconds=n + 1) for n in range(3)))
    claim.reply("RESUME_WITH_TASK", task=task("last", noop=True, delaySeconds=60))
    clock.advance(timedelta(seconds=10))
    assert counts(db, 1) == (1, 0, 0)
    assert task_statuses(db, claim.run_id) == {
        "wait-0": "COMPLETED",
        "wait-1": "COMPLETED",
        "wait-2": "COMPLETED",
        "last": "WAITING",
    }
    assert queued(db) == [claim.run_id]


def test_a_wait_of_a_run_that_is_to_be_executed_anyway_ends_without_a_second_message(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    claim.store(task("wait", noop=True, delaySeconds=1))
    claim.reply("YIELD_EXECUTION", key="a")
    clock.advance(timedelta(seconds=2))
    assert counts(db) == NOTHING
    assert (task_statuses(db, claim.run_id), queued(db)) == ({"wait": "COMPLETED"}, [claim.run_id])


def test_a_cancelled_run_is_not_woken(db: Database, builders: Builders, clock: Clock) -> None:
    (claim,) = waiting(builders, 1)
    db.call("cancel_run", claim.body["environment"]["id"], claim.run_id)
    clock.advance(timedelta(seconds=61))
    assert db.call("promote_due") == [(0, 0, 0, None)]
    assert queued(db) == []


def test_delayed_events_are_delivered_with_the_limit(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.endpoint().environment
    events = [{"id": f"e-{n}", "name": "greet"} for n in range(3)]
    db.call("send_events", environment.id, events, {"deliverAfter": 60})
    assert counts(db) == NOTHING
    clock.advance(timedelta(seconds=61))
    assert db.call("promote_due", 2) == [(0, 2, 0, 0)]
    assert len(queued(db)) == 2
    assert db.call("promote_due", 2) == [(0, 1, 0, None)]
    assert [len(db.call("get_event", environment.id, f"e-{n}")["runs"]) for n in range(3)] == [1, 1, 1]


def test_leases_are_reaped_with_the_limit_oldest_first(
    db: Database, builders: Builders, clock: Clock, make_environment: Callable[..., Environment]
) -> None:
    runs = builders.runs(3, builders.endpoint(environment=make_environment("prod")))
    for run in runs:
        assert builders.claims(1)[0].run_id == run.id
        clock.advance(timedelta(seconds=1))
    clock.advance(timedelta(seconds=71))
    promoted = db.call("promote_due", 2)[0]
    assert (promoted.reaped_leases, promoted.next_due_ms) == (2, 0)
    assert [run.status for run in runs] == ["WAITING_TO_EXECUTE", "WAITING_TO_EXECUTE", "EXECUTING"]
    assert db.call("promote_due", 2)[0].reaped_leases == 1


def test_a_lease_of_last_month_is_reaped_like_any_other(
    db: Database, builders: Builders, clock: Clock
) -> None:
    """The time since then in milliseconds is more than an integer holds."""
    claim = builders.claim()
    clock.advance(timedelta(days=60))
    assert counts(db) == (0, 0, 1)
    assert run_row(db, claim.run_id).status == "WAITING_TO_EXECUTE"


def test_the_next_due_time_is_that_of_whatever_comes_first(
    db: Database, builders: Builders, clock: Clock, make_environment: Callable[..., Environment]
) -> None:
    assert next_due_ms(db) is None
    endpoint = builders.endpoint(environment=make_environment("prod"))

    db.call("send_events", endpoint.environment.id, [{"name": "greet"}], {"deliverAfter": 3600})
    assert next_due_ms(db) == pytest.approx(3_600_000, abs=10_000)

    claim = builders.claim(builders.run(endpoint))  # its lease
    assert next_due_ms(db) == pytest.approx(70_000, abs=10_000)

    claim.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=50))
    assert next_due_ms(db) == pytest.approx(50_000, abs=10_000)

    builders.claim(builders.run(endpoint)).apply("UNREACHABLE", message="x")  # its backoff
    assert (next_due_ms(db) or 0) <= 750

    clock.advance(timedelta(seconds=10))
    assert counts(db) == (1, 0, 0)
    assert next_due_ms(db) == pytest.approx(40_000, abs=10_000)
