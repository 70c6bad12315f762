"""Two connections at once: claims, replies, cancellations and the clock's work on the same runs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import executions, leased, queued, run_row, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def on(db: Database, claim: Claim) -> Claim:
    """The same claim in the hands of another connection."""
    return Claim(db, claim.run_id, claim.lease_number, claim.url, claim.timeout_ms, [], claim.body)


def cancel(db: Database, claim: Claim) -> Any:
    return db.call("cancel_run", claim.body["environment"]["id"], claim.run_id)


def test_a_claim_under_way_hides_its_runs_from_others(
    db: Database, other: Database, builders: Builders
) -> None:
    builders.runs(4)
    db.execute("begin")
    mine = {row.run_id for row in db.call("claim_runs", "one", 2)}
    theirs = {row.run_id for row in other.call("claim_runs", "two", 10)}  # does not wait
    db.execute("commit")
    assert (len(mine), len(theirs), mine & theirs) == (2, 2, set())


def test_a_claim_that_is_rolled_back_gives_its_runs_back(db: Database, builders: Builders) -> None:
    run = builders.run()
    db.execute("begin")
    assert len(db.call("claim_runs", "one", 2)) == 1
    db.execute("rollback")
    assert (queued(db), leased(db), run.status) == ([run.id], [], "QUEUED")


def test_many_claimers_share_the_runs(db: Database, builders: Builders) -> None:
    runs = builders.runs(60)

    def claim_all(name: str) -> list[str]:
        found: list[str] = []
        with Database(db.url, "perdure_dispatcher") as dispatcher:
            while rows := dispatcher.call("claim_runs", name, 4):
                found += [row.run_id for row in rows]
        return found

    with ThreadPoolExecutor(max_workers=4) as pool:
        shares = list(pool.map(claim_all, ["one", "two", "three", "four"]))
    assert sorted(run_id for share in shares for run_id in share) == sorted(run.id for run in runs)
    assert len(leased(db)) == 60


def test_a_run_that_is_being_cancelled_is_not_claimed(
    db: Database, other: Database, builders: Builders
) -> None:
    run = builders.run()
    db.execute("begin")
    db.call("cancel_run", run.environment.id, run.id)
    (claimed,) = blocked_until(db, "commit", (other, lambda: other.call("claim_runs", "two", 10)))
    assert (claimed, run.status, leased(db)) == ([], "CANCELED", [])


def test_a_cancellation_under_way_drops_the_reply(db: Database, other: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.store(task("open"))
    db.execute("begin")
    cancel(db, claim)
    late = on(other, claim)
    (outcome,) = blocked_until(
        db, "commit", (other, lambda: late.reply("SUCCESS", tasks=[task("late", noop=True)]))
    )
    assert outcome == "DROPPED"
    assert (run_row(db, claim.run_id).status, task_statuses(db, claim.run_id)) == (
        "CANCELED",
        {"open": "CANCELED"},
    )
    assert executions(db, claim.run_id) == []


def test_a_cancellation_that_is_rolled_back_lets_the_reply_count(
    db: Database, other: Database, builders: Builders
) -> None:
    claim = builders.claim()
    db.execute("begin")
    cancel(db, claim)
    outcomes = blocked_until(db, "rollback", (other, lambda: on(other, claim).reply("SUCCESS")))
    assert (outcomes, run_row(db, claim.run_id).status) == (["SUCCESS"], "SUCCESS")


def test_a_reply_under_way_that_ends_the_run_refuses_the_cancellation(
    db: Database, other: Database, builders: Builders
) -> None:
    claim = builders.claim()
    db.execute("begin")
    claim.reply("SUCCESS", output=1)
    with refused("JQ003", "SUCCESS"):
        blocked_until(db, "commit", (other, lambda: cancel(other, claim)))
    assert run_row(db, claim.run_id).output == 1


def test_a_reply_under_way_that_makes_the_run_wait_does_not_save_it(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    db.execute("begin")
    claim.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=5))
    (answer,) = blocked_until(db, "commit", (other, lambda: cancel(other, claim)))
    assert (answer["status"], task_statuses(db, claim.run_id)) == ("CANCELED", {"wait": "CANCELED"})
    clock.advance(timedelta(seconds=10))
    assert db.call("promote_due") == [(0, 0, 0, None)]


def test_a_wait_whose_run_is_being_moved_is_left_for_the_next_look(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    (stored,) = claim.store(task("wait", noop=True, delaySeconds=1))
    clock.advance(timedelta(seconds=2))
    db.execute("begin")
    assert claim.reply("RESUME_WITH_TASK", task=stored.response) == "WAITING_TO_CONTINUE"
    assert other.call("promote_due")[0].promoted_runs == 0  # does not wait
    db.execute("commit")
    assert other.call("promote_due")[0].promoted_runs == 1
    assert queued(db) == [claim.run_id]


def test_a_reply_that_waits_for_the_end_of_its_wait_executes_again_at_once(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    (stored,) = claim.store(task("wait", noop=True, delaySeconds=1))
    clock.advance(timedelta(seconds=2))
    db.execute("begin")
    assert db.call("promote_due")[0].promoted_runs == 0
    resume = on(other, claim)
    outcomes = blocked_until(
        db, "commit", (other, lambda: resume.reply("RESUME_WITH_TASK", task=stored.response))
    )
    assert (outcomes, queued(db)) == (["WAITING_TO_EXECUTE"], [claim.run_id])


def test_a_lease_whose_reply_is_being_handed_in_is_not_reaped(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    clock.advance(timedelta(minutes=5))
    db.execute("begin")
    claim.reply("SUCCESS")
    assert other.call("promote_due")[0].reaped_leases == 0  # does not wait
    db.execute("commit")
    assert other.call("promote_due") == [(0, 0, 0, None)]


def test_a_reply_that_waits_for_the_reaper_has_lost_its_lease(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    clock.advance(timedelta(minutes=5))
    db.execute("begin")
    assert db.call("promote_due")[0].reaped_leases == 1
    outcomes = blocked_until(db, "commit", (other, lambda: on(other, claim).reply("SUCCESS")))
    assert outcomes == ["LEASE_LOST"]
    assert [execution.verdict for execution in executions(db, claim.run_id)] == ["LEASE_EXPIRED"]


def test_two_looks_at_what_is_due_do_it_once(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    endpoint = builders.endpoint()
    builders.runs(2, endpoint)
    waits, _expires = builders.claims()
    waits.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=1))
    db.call("send_events", endpoint.environment.id, [{"name": "greet"}], {"deliverAfter": 1})
    clock.advance(timedelta(minutes=5))
    db.execute("begin")
    first = db.call("promote_due")[0]
    second = other.call("promote_due")[0]  # does not wait
    db.execute("commit")
    assert (first.promoted_runs, first.delivered_events, first.reaped_leases) == (1, 1, 1)
    assert (second.promoted_runs, second.delivered_events, second.reaped_leases) == (0, 0, 0)


@pytest.mark.parametrize("backwards", [False, True])
def test_batches_of_results_in_opposite_order_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders, backwards: bool
) -> None:
    builders.runs(4)
    claims = sorted(builders.claims(), key=lambda claim: claim.run_id)
    results = [
        {
            "runId": claim.run_id,
            "leaseNumber": 1,
            "verdict": "REPLY",
            "durationMs": 1,
            "reply": {"status": "YIELD_EXECUTION", "key": "a"},
        }
        for claim in claims
    ]
    orders = [results, results[::-1]]
    first, second = reversed(orders) if backwards else orders
    db.execute("begin")
    db.rows("select id from perdure.runs where id = %s for update", claims[1].run_id)
    outcomes = blocked_until(
        db,
        "commit",
        (other, lambda: [row.outcome for row in other.call("apply_results", first)]),
        (third, lambda: [row.outcome for row in third.call("apply_results", second)]),
    )
    assert sorted(outcomes) == [["LEASE_LOST"] * 4, ["WAITING_TO_EXECUTE"] * 4]
    assert len(queued(db)) == 4


def test_a_cancellation_of_many_runs_and_a_batch_of_results_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    runs = sorted(builders.runs(3, endpoint), key=lambda run: run.id)
    builders.claims()
    ids = [run.id for run in runs]
    results = [{"runId": i, "leaseNumber": 1, "verdict": "REFUSED", "durationMs": 1} for i in reversed(ids)]
    db.execute("begin")
    db.rows("select id from perdure.runs where id = %s for update", ids[1])
    cancelled, applied = blocked_until(
        db,
        "commit",
        (other, lambda: other.value("select perdure._cancel_runs(%s::uuid[])::text[]", ids[::-1])),
        (third, lambda: [row.outcome for row in third.call("apply_results", results)]),
    )
    assert (cancelled, applied) == (ids, ["DROPPED"] * 3)
