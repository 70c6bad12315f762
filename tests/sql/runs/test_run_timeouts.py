"""The time that a job allows its runs: who ends when it is over, and what follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import executions, leased, queued, run_row, snapshot, task_statuses
from tests.support.builders import SDK, Builders, Claim, Endpoint, Run, job, manifest, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

LIMIT = timedelta(seconds=60)


def limited(builders: Builders, seconds: float = 60, **members: Any) -> Endpoint:
    return builders.endpoint(job(timeoutInSeconds=seconds, **members))


def promote(db: Database) -> int | None:
    """Do what is due; returns when to look again."""
    found: int | None = db.call("promote_due")[0].next_due_ms
    return found


def late(run: Run) -> bool:
    """Did it end for its time?"""
    found = run.read()
    message = (found.get("output") or {}).get("message", "")
    return found["status"] == "TIMED_OUT" and message.startswith(
        "The run took longer than its job allows: it was to end by 20"
    )


def waiting(claim: Claim) -> None:
    claim.reply("RESUME_WITH_TASK", task=task("nap", noop=True, delaySeconds=3600))


def test_a_waiting_run_ends_and_its_tasks_with_it(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run(limited(builders))
    waiting(builders.claim(run))
    next_due_ms = promote(db)
    assert next_due_ms is not None
    assert 50_000 < next_due_ms <= 60_000  # the wait takes an hour
    clock.advance(LIMIT - timedelta(seconds=5))
    promote(db)
    assert run.status == "WAITING_TO_CONTINUE"
    clock.advance(timedelta(seconds=5))
    assert promote(db) is None
    assert late(run)
    assert task_statuses(db, run.id) == {"nap": "CANCELED"}
    assert db.call("doctor") == []
    before = snapshot(db)
    promote(db)
    assert snapshot(db) == before


def test_a_run_that_nobody_claimed_ends_and_its_message_is_dropped(
    db: Database, builders: Builders, clock: Clock
) -> None:
    run = builders.run(limited(builders))
    clock.advance(LIMIT)
    promote(db)
    assert late(run)
    assert builders.claims() == []
    assert queued(db) == []
    assert late(run)


def test_an_execution_under_way_is_given_up(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = limited(builders, concurrencyLimit=1)
    run, kept_back = builders.runs(2, endpoint)
    (claim,) = builders.claims()
    claim.store(task("long"))
    clock.advance(LIMIT - timedelta(seconds=1))
    fresh = builders.run(endpoint)
    assert builders.claims() == []
    clock.advance(timedelta(seconds=1))
    promote(db)
    assert late(run)
    assert late(kept_back)
    assert task_statuses(db, run.id) == {"long": "CANCELED"}
    assert leased(db) == []
    assert [row.verdict for row in executions(db, run.id)] == ["RUN_TIMED_OUT"]
    # Its late reply and its late tasks change nothing.
    assert claim.reply("SUCCESS", output=1) == "DROPPED"
    assert [row.error_code for row in claim.store(task("later"))] == ["JQ003"]
    assert late(run)
    # And its slot is free.
    assert [one.run_id for one in builders.claims()] == [fresh.id]


def test_a_lease_that_expires_earlier_is_an_execution_without_an_answer(
    db: Database, builders: Builders, clock: Clock
) -> None:
    run = builders.run(limited(builders, 3600))
    claim = builders.claim(run)
    clock.advance(timedelta(milliseconds=claim.timeout_ms) + timedelta(seconds=11))
    promote(db)
    assert (run.status, executions(db, run.id)[0].verdict) == ("WAITING_TO_EXECUTE", "LEASE_EXPIRED")
    clock.advance(timedelta(hours=1))
    promote(db)
    assert late(run)


@pytest.mark.parametrize("status", ["PENDING", "WAITING_ON_CONNECTIONS"])
def test_a_run_that_is_not_prepared_ends(db: Database, builders: Builders, clock: Clock, status: str) -> None:
    members: dict[str, Any] = {"preprocessRuns": True}
    if status != "PENDING":
        hosted = {"id": "chat", "metadata": {"id": "chat", "name": "Chat"}, "authSource": "HOSTED"}
        members = {"integrations": {"chat": hosted}}
    run = builders.run(limited(builders, **members))
    assert run.status == status
    clock.advance(LIMIT)
    promote(db)
    assert late(run)


def test_who_wants_to_know_is_told(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = limited(builders)
    options = {"callbackUrl": "https://example.com/hook"}
    db.call("invoke_job", endpoint.environment.id, "greet", {}, {}, options)
    clock.advance(LIMIT)
    promote(db)
    (told,) = db.rows("select request from perdure.deliveries where kind = 'RUN_WEBHOOK'")
    assert (told.request["ok"], told.request["status"]) == (False, "TIMED_OUT")
    assert told.request["error"]["message"].startswith("The run took longer than its job allows")


def test_a_continued_run_gets_its_time_anew(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run(limited(builders))
    clock.advance(timedelta(hours=1))
    promote(db)
    db.call("continue_run", run.environment.id, run.id)
    clock.advance(LIMIT - timedelta(seconds=5))
    promote(db)
    assert run.status == "QUEUED"
    clock.advance(timedelta(seconds=5))
    promote(db)
    assert late(run)
    again = db.call("rerun_run", run.environment.id, run.id)["id"]
    promote(db)
    assert run_row(db, again).status == "QUEUED"
    assert run_row(db, again).timeout_at == run_row(db, again).created_at + LIMIT


def test_the_time_is_that_of_the_manifest_at_the_start(
    db: Database, builders: Builders, clock: Clock
) -> None:
    endpoint = builders.endpoint()
    unlimited = builders.run(endpoint)
    db.call("index_endpoint", endpoint.id, manifest(job(timeoutInSeconds=60)), SDK)
    run = builders.run(endpoint)
    db.call("index_endpoint", endpoint.id, manifest(job()), SDK)
    later = builders.run(endpoint)
    clock.advance(timedelta(days=365))
    promote(db)
    assert [one.status for one in (unlimited, run, later)] == ["QUEUED", "TIMED_OUT", "QUEUED"]


@pytest.mark.parametrize("status", ["SUCCESS", "ERROR"])
def test_a_run_that_has_ended_is_left_alone(
    db: Database, builders: Builders, clock: Clock, status: str
) -> None:
    run = builders.run(limited(builders))
    builders.claim(run).reply(status, output=1, error={"message": "no"})
    assert promote(db) is None
    ended = run.read()
    clock.advance(LIMIT)
    promote(db)
    assert run.read() == ended


def test_a_cancelled_run_is_left_alone(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run(limited(builders))
    db.call("cancel_run", run.environment.id, run.id)
    assert promote(db) is None
    clock.advance(LIMIT)
    promote(db)
    assert run.status == "CANCELED"


def test_the_earliest_end_first_and_no_more_than_the_limit(
    db: Database, builders: Builders, clock: Clock
) -> None:
    endpoint = limited(builders)
    first = builders.run(endpoint)
    clock.advance(timedelta(seconds=1))
    second = builders.run(endpoint)
    clock.advance(LIMIT)
    assert db.call("promote_due", 1)[0].next_due_ms == 0
    assert (first.status, second.status) == ("TIMED_OUT", "QUEUED")
    assert db.call("promote_due", 1)[0].next_due_ms is None
    assert second.status == "TIMED_OUT"


def test_a_run_in_somebody_elses_hands_is_left_for_the_next_look(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    run = builders.run(limited(builders))
    clock.advance(LIMIT)
    with other.connection.transaction():
        other.rows("select 1 from perdure.runs where id = %s for update", run.id)
        assert promote(db) == 0
        assert run.status == "QUEUED"
    promote(db)
    assert late(run)


def test_doctor_sees_that_nobody_ends_runs(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run(limited(builders))
    clock.advance(LIMIT + timedelta(minutes=6))
    (found,) = db.call("doctor")
    assert (found.problem, found.subject) == ("due long ago", run.id)
    db.rows(found.fix)
    assert db.call("doctor") == []


@pytest.mark.parametrize("seconds", [0, -1, 31_536_001, "60", True, [60]])
def test_what_is_no_time_limit_is_refused(builders: Builders, seconds: Any) -> None:
    with refused("JQ010", "jobs[0].timeoutInSeconds"):
        builders.endpoint(job(timeoutInSeconds=seconds))
