"""Pauses: new runs wait, running ones finish their execution, and all go on afterwards, fairly."""

from __future__ import annotations

from datetime import timedelta

from tests.sql.rows import queued, run_row
from tests.support.builders import SDK, Builders, Claim, Endpoint, Environment, job, manifest, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def pause(db: Database, environment: Environment, job: str = "greet") -> None:
    """Pause a job, saying who and why."""
    db.call("pause_job", environment.id, job, "ann@x.org", "deploying")


def ids(claims: list[Claim]) -> list[str]:
    """Which runs were claimed."""
    return [claim.run_id for claim in claims]


def test_a_paused_job_takes_runs_and_executes_none(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(), job("other", event="other"))
    before = builders.run(endpoint)
    pause(db, endpoint.environment)
    after = builders.run(endpoint)
    free = builders.run(endpoint, event="other")
    assert ids(builders.claims()) == [free.id]
    assert builders.claims() == []
    assert [run.status for run in (before, after)] == ["QUEUED", "QUEUED"]
    assert (queued(db), db.call("doctor")) == ([], [])
    assert db.call("resume_job", endpoint.environment.id, "greet") == 2
    assert queued(db) == [before.id, after.id]
    assert ids(builders.claims()) == [before.id, after.id]


def test_who_paused_first_and_why_stays(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint()
    id = endpoint.environment.id
    first = db.call("pause_job", id, "greet", "ann@x.org", "deploying")
    assert (first["pausedBy"], first["reason"]) == ("ann@x.org", "deploying")
    clock.advance(timedelta(minutes=1))
    assert db.call("pause_job", id, "greet", "bob@x.org") == first
    (row,) = db.rows("select * from perdure_views.pauses")
    assert (row.scope, row.job, row.paused_by, row.reason) == ("JOB", "greet", "ann@x.org", "deploying")
    assert db.call("resume_job", id, "greet") == 0
    assert db.call("resume_job", id, "greet") is None
    assert set(db.call("pause_job", id, "greet")) == {"pausedAt"}
    with refused("JQ001"):
        db.call("pause_job", id, "unknown")
    with refused("JQ001"):
        db.call("pause_queue", id, "unknown")


def test_an_execution_finishes_and_the_next_waits(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint()
    sleeping, failing = builders.runs(2, endpoint)
    claims = {claim.run_id: claim for claim in builders.claims()}
    pause(db, endpoint.environment)
    claims[sleeping.id].reply("RESUME_WITH_TASK", task=task("nap", noop=True, delaySeconds=5))
    claims[failing.id].apply("LEASE_EXPIRED", message="gone")
    clock.advance(timedelta(seconds=10))
    db.call("promote_due")
    new = builders.run(endpoint)
    assert builders.claims() == []
    assert [run.status for run in (sleeping, failing, new)] == [
        "WAITING_TO_EXECUTE", "WAITING_TO_EXECUTE", "QUEUED",
    ]  # fmt: skip
    assert db.call("doctor") == []
    db.call("resume_job", endpoint.environment.id, "greet")
    assert queued(db) == [sleeping.id, failing.id, new.id], "those that have begun go first"
    assert {claim.run_id for claim in builders.claims()} == {sleeping.id, failing.id, new.id}


def test_a_pause_survives_deployments(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    pause(db, endpoint.environment)
    for version in ("1.0.0", "2.0.0"):
        db.call("index_endpoint", endpoint.id, manifest(job(version=version, concurrencyLimit=5)), SDK)
        builders.run(endpoint)
        assert builders.claims() == []
    assert db.call("resume_job", endpoint.environment.id, "greet") == 2
    assert len(builders.claims()) == 2


def test_a_queue_is_the_jobs_that_share_a_limit(db: Database, builders: Builders) -> None:
    group = {"id": "mails", "limit": 2}
    a, b, free = (
        job("a", event="all", concurrencyLimit=group),
        job("b", event="all", concurrencyLimit=group),
        job("free", event="all"),
    )
    endpoint = builders.endpoint(a, b, free)
    id = endpoint.environment.id
    db.call("pause_queue", id, "mails")
    builders.runs(1, endpoint, event="all")
    assert [claim.body["job"]["id"] for claim in builders.claims()] == ["free"]
    # A job that leaves the queue is not its pause's any more.
    db.call("index_endpoint", endpoint.id, manifest(a, job("b", event="all"), free), SDK)
    assert [claim.body["job"]["id"] for claim in builders.claims()] == ["b"]
    assert db.call("resume_queue", id, "mails") == 1
    assert [claim.body["job"]["id"] for claim in builders.claims()] == ["a"]


def test_what_another_pause_stops_stays_stopped(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    id = endpoint.environment.id
    elsewhere = builders.run(builders.endpoint())
    run = builders.run(endpoint)
    pause(db, endpoint.environment)
    db.call("pause_environment", id)
    assert ids(builders.claims()) == [elsewhere.id]
    assert db.call("resume_job", id, "greet") in {0, 1}
    assert builders.claims() == []
    db.call("pause_everything")
    other = builders.run(builders.endpoint(environment=builders.environment("prod")))
    assert db.call("resume_environment", id) == 1
    assert builders.claims() == []
    assert db.call("doctor") == []
    assert db.call("resume_everything") == 2
    assert ids(builders.claims()) == [run.id, other.id]


def limited(builders: Builders) -> Endpoint:
    """Jobs a and b, of which one execution at a time is allowed together."""
    group = {"id": "one", "limit": 1}
    return builders.endpoint(
        job("a", event="a", concurrencyLimit=group), job("b", event="b", concurrencyLimit=group)
    )


def test_paused_runs_do_not_stand_in_the_way_of_a_limit(db: Database, builders: Builders) -> None:
    endpoint = limited(builders)
    (first,) = builders.runs(1, endpoint, event="b")
    (claim,) = builders.claims()
    waiting = builders.runs(5, endpoint, event="a")
    assert builders.claims() == []
    last = builders.run(endpoint, event="b")
    assert builders.claims() == []
    pause(db, endpoint.environment, "a")
    claim.reply("SUCCESS")
    (claim,) = builders.claims()
    assert claim.run_id == last.id, "not one of the paused job"
    claim.reply("SUCCESS")
    assert builders.claims() == []
    assert db.call("resume_job", endpoint.environment.id, "a") == 5
    assert ids(builders.claims()) == [waiting[0].id], "the limit holds"
    assert first.status == "SUCCESS"


def test_a_paused_run_can_be_cancelled_and_can_run_out_of_time(
    db: Database, builders: Builders, clock: Clock
) -> None:
    endpoint = builders.endpoint(job(), job("hasty", event="hasty", timeoutInSeconds=60))
    run, hasty = builders.run(endpoint), builders.run(endpoint, event="hasty")
    db.call("pause_environment", endpoint.environment.id)
    assert builders.claims() == []
    db.call("cancel_run", run.environment.id, run.id)
    clock.advance(timedelta(minutes=2))
    db.call("promote_due")
    assert (run.status, hasty.status) == ("CANCELED", "TIMED_OUT")
    assert db.rows("select * from perdure.blocked_runs") == []
    db.call("continue_run", run.environment.id, run.id)
    assert builders.claims() == []
    assert db.call("resume_environment", run.environment.id) == 1
    assert ids(builders.claims()) == [run.id]


def test_a_claim_that_waits_for_a_resumption_keeps_nothing_back(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    pause(db, endpoint.environment)
    with Database(db.url) as other:
        db.execute("begin")
        db.call("resume_job", endpoint.environment.id, "greet")
        (claims,) = blocked_until(db, "commit", (other, lambda: other.call("claim_runs", "test", 10)))
    assert [row.run_id for row in claims] == [run.id]
    assert run_row(db, run.id).status == "EXECUTING"
    assert db.rows("select * from perdure.blocked_runs") == []


def test_a_resumption_that_waits_for_a_claim_finds_what_it_kept_back(
    db: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    pause(db, endpoint.environment)
    with Database(db.url) as other:
        db.execute("begin")
        assert builders.claims() == []
        resumed = blocked_until(
            db, "commit", (other, lambda: other.call("resume_job", endpoint.environment.id, "greet"))
        )
    assert resumed == [1]
    assert ids(builders.claims()) == [run.id]


def test_who_asks_for_few_is_told_of_those_behind_the_paused(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(), job("other", event="other"))
    pause(db, endpoint.environment)
    builders.runs(3, endpoint)
    free = builders.run(endpoint, event="other")
    with Database(db.url) as listener:
        listener.execute("listen perdure_ready")
        assert builders.claims(3) == []
        assert [told.payload for told in listener.connection.notifies(timeout=5, stop_after=1)] == ["runs"]
    assert ids(builders.claims(3)) == [free.id]


def test_an_app_that_fetches_its_runs_gets_none_while_paused(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    db.call("connect_endpoint", endpoint.environment.id, endpoint.slug)
    run = builders.run(endpoint)
    pause(db, endpoint.environment)

    def fetched() -> list[str]:
        return [row.run_id for row in db.call("claim_runs", "server", 10, endpoint_ids=[endpoint.id])]

    assert fetched() == []
    assert db.call("doctor") == []
    db.call("resume_job", endpoint.environment.id, "greet")
    assert fetched() == [run.id]
