"""Executions that ended without a reply (section 3.4 of the protocol): retries, backoff, dead letters."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.sql.rows import dead_letters, executions, leased, payloads, queued, run_row, task_statuses
from tests.support.builders import Builders, Claim, Endpoint, Environment, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

REFUSED_CONNECTION = "Connection could not be established to the endpoint (http://127.0.0.1:9/api/trigger)"


@pytest.fixture
def production(builders: Builders, make_environment: Callable[..., Environment]) -> Endpoint:
    """An endpoint in production."""
    return builders.endpoint(environment=make_environment("prod"))


def backoff_s(db: Database, run_id: str) -> float:
    """Seconds from the last change of a run until it is due."""
    run = run_row(db, run_id)
    seconds: float = (run.due_at - run.updated_at).total_seconds()
    return seconds


def again(builders: Builders, clock: Clock, *, after: timedelta = timedelta(seconds=30)) -> Claim:
    clock.advance(after)
    assert builders.db.call("promote_due")[0].promoted_runs == 1
    (claim,) = builders.claims()
    return claim


def test_an_unreachable_endpoint_is_tried_ten_times_with_growing_delays(
    db: Database, builders: Builders, clock: Clock, production: Endpoint
) -> None:
    run = builders.run(production)
    claim = builders.claim(run)
    for count in range(1, 10):
        claim.store(task("open"))
        assert claim.apply("UNREACHABLE", message=REFUSED_CONNECTION) == "WAITING_TO_EXECUTE"
        assert backoff_s(db, run.id) == pytest.approx(0.5 * 1.5**count, abs=0.001)
        assert (run_row(db, run.id).failure_count, queued(db), leased(db)) == (count, [], [])
        assert task_statuses(db, run.id) == {"open": "RUNNING"}
        claim = again(builders, clock)
        assert claim.lease_number == count + 1
    assert claim.apply("UNREACHABLE", message=REFUSED_CONNECTION) == "FAILURE"

    row = run_row(db, run.id)
    assert row.output == {"message": REFUSED_CONNECTION}
    assert (row.execution_count, row.failure_count, row.due_at) == (10, 10, None)
    assert dead_letters(db) == {run.id: REFUSED_CONNECTION}
    assert task_statuses(db, run.id) == {"open": "ERRORED"}
    assert {e.verdict for e in executions(db, run.id)} == {"UNREACHABLE"}
    assert (db.call("promote_due")[0].promoted_runs, queued(db)) == (0, [])


def test_a_run_that_is_due_soon_wakes_sleeping_dispatchers(
    db: Database, builders: Builders, production: Endpoint
) -> None:
    claim = builders.claim(builders.run(production))
    with db.as_role("perdure_owner") as listener:
        listener.execute("listen perdure_ready")
        claim.apply("UNREACHABLE", message="x")
        assert payloads(db, listener) == ["due"]


def test_ten_failures_must_come_in_a_row(
    db: Database, builders: Builders, clock: Clock, production: Endpoint
) -> None:
    claim = builders.claim(builders.run(production))
    for _ in range(9):
        claim.apply("UNREACHABLE", message="x")
        claim = again(builders, clock)
    claim.reply("YIELD_EXECUTION", key="a")
    (claim,) = builders.claims()
    assert claim.apply("UNREACHABLE", message="x") == "WAITING_TO_EXECUTE"
    assert backoff_s(db, claim.run_id) == pytest.approx(0.75, abs=0.001)
    assert dead_letters(db) == {}


def test_in_development_an_unreachable_endpoint_fails_the_run_at_once(
    db: Database, builders: Builders
) -> None:
    claim = builders.claim()
    assert claim.body["environment"]["type"] == "DEVELOPMENT"
    assert claim.apply("UNREACHABLE", message=REFUSED_CONNECTION) == "FAILURE"
    assert dead_letters(db) == {claim.run_id: REFUSED_CONNECTION}


@pytest.mark.parametrize("slug", ["stg", "prev"])
def test_only_development_is_that_strict(
    builders: Builders, make_environment: Callable[..., Environment], slug: str
) -> None:
    claim = builders.claim(builders.run(builders.endpoint(environment=make_environment(slug))))
    assert claim.apply("UNREACHABLE", message="x") == "WAITING_TO_EXECUTE"


@pytest.mark.parametrize("slug", ["dev", "prod"])
def test_a_lost_lease_is_tried_ten_times_everywhere(
    db: Database, builders: Builders, clock: Clock, make_environment: Callable[..., Environment], slug: str
) -> None:
    run = builders.run(builders.endpoint(environment=make_environment(slug)))
    builders.claim(run)
    for count in range(1, 10):
        clock.advance(timedelta(seconds=71))  # the endpoint's timeout and the margin
        promoted = db.call("promote_due")[0]
        assert (promoted.reaped_leases, promoted.promoted_runs) == (1, 0)
        assert backoff_s(db, run.id) == pytest.approx(0.5 * 1.5**count, abs=0.001)
        again(builders, clock)
    clock.advance(timedelta(seconds=71))
    assert db.call("promote_due")[0].reaped_leases == 1

    row = run_row(db, run.id)
    assert (row.status, row.failure_count, row.execution_count) == ("FAILURE", 10, 10)
    assert "lease of dispatcher test expired" in row.output["message"]
    assert dead_letters(db) == {run.id: row.output["message"]}
    (first, *_) = executions(db, run.id)
    assert (first.verdict, first.http_status, first.reply_status) == ("LEASE_EXPIRED", None, None)
    assert first.duration_ms >= 71_000


@pytest.mark.parametrize(("verdict", "http_status"), [("REFUSED", 404), ("MALFORMED", 200)])
def test_an_answer_that_is_no_reply_fails_the_run_at_once(
    db: Database, builders: Builders, production: Endpoint, verdict: str, http_status: int
) -> None:
    claim = builders.claim(builders.run(production))
    claim.store(task("open"))
    assert claim.apply(verdict, httpStatus=http_status, message="Job not found") == "FAILURE"
    row = run_row(db, claim.run_id)
    assert (row.output, row.failure_count) == ({"message": "Job not found"}, 0)
    assert task_statuses(db, claim.run_id) == {"open": "ERRORED"}
    assert dead_letters(db) == {}  # somebody did execute it
    (execution,) = executions(db, claim.run_id)
    assert (execution.verdict, execution.http_status, execution.message) == (
        verdict,
        http_status,
        "Job not found",
    )


def test_a_failure_without_a_message_says_its_verdict(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.apply("REFUSED")
    assert run_row(db, claim.run_id).output == {"message": "REFUSED"}


@pytest.mark.parametrize("progress", ["stored", "finished"])
def test_a_function_timeout_with_progress_executes_again_at_once(
    db: Database, builders: Builders, clock: Clock, production: Endpoint, progress: str
) -> None:
    claim = builders.claim(builders.run(production))
    if progress == "finished":
        claim.store(task("earlier"))
        claim.reply("YIELD_EXECUTION", key="a")
        clock.advance(timedelta(seconds=1))
        (claim,) = builders.claims()
        claim.store(task("earlier", status="COMPLETED"))
    else:
        claim.store(task("new"))
    assert claim.apply("FUNCTION_TIMEOUT", httpStatus=504, durationMs=30_000) == "WAITING_TO_EXECUTE"
    row = run_row(db, claim.run_id)
    assert (row.due_at, row.failure_count, queued(db)) == (None, 0, [claim.run_id])


def test_a_function_timeout_without_progress_ends_the_run(
    db: Database, builders: Builders, clock: Clock, production: Endpoint
) -> None:
    claim = builders.claim(builders.run(production))
    claim.store(task("slow"))
    claim.apply("FUNCTION_TIMEOUT", httpStatus=504, message="504 Gateway Timeout")
    clock.advance(timedelta(seconds=1))
    (claim,) = builders.claims()
    assert claim.apply("FUNCTION_TIMEOUT", httpStatus=504, message="504 Gateway Timeout") == "TIMED_OUT"
    row = run_row(db, claim.run_id)
    assert row.output["message"].startswith("504 Gateway Timeout The run made no progress")
    assert task_statuses(db, claim.run_id) == {"slow": "CANCELED"}
    assert dead_letters(db) == {}


@pytest.mark.parametrize(("duration_ms", "limit_ms"), [(25_000, 25_000), (300, 10_000), (900_000, 120_000)])
def test_a_function_timeout_teaches_how_long_the_host_lets_a_function_live(
    db: Database, builders: Builders, production: Endpoint, duration_ms: int, limit_ms: int
) -> None:
    db.call("register_endpoint", production.environment.id, production.slug, production.url, 3_600_000)
    claim = builders.claim(builders.run(production))
    assert claim.body["runChunkExecutionLimit"] == 60_000 - 350
    claim.store(task("new"))
    claim.apply("FUNCTION_TIMEOUT", durationMs=duration_ms)
    (claim,) = builders.claims()
    assert claim.body["runChunkExecutionLimit"] == limit_ms - 350


def test_durations_add_up(db: Database, builders: Builders, production: Endpoint) -> None:
    claim = builders.claim(builders.run(production))
    for number in range(3):
        claim.apply("REPLY", durationMs=100, reply={"status": "YIELD_EXECUTION", "key": str(number)})
        (claim,) = builders.claims()
    row = run_row(db, claim.run_id)
    assert (row.duration_ms, row.execution_count) == (300, 3)
    assert [e.duration_ms for e in executions(db, claim.run_id)] == [100, 100, 100]
