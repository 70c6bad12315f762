"""Every way in which a run can fail leaves one row that says why; nothing else does."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.builders import Builders, Claim, Run, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def failures(db: Database) -> list[Any]:
    return db.rows(
        "select f.*, f.error::text as error_text from perdure_views.run_failures as f order by run_id"
    )


def failure(db: Database, run: Run) -> Any:
    (row,) = [row for row in failures(db) if row.run_id == run.id]
    return row


def fails(builders: Builders, error: Any, *tasks: dict[str, Any], **members: Any) -> Run:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(*tasks)
    assert claim.reply("ERROR", error=error, **members) == "FAILURE"
    return run


def with_reply(status: str, **reply: Any) -> Callable[[Claim, Database, Clock], None]:
    def end(claim: Claim, _db: Database, _clock: Clock) -> None:
        claim.reply(status, **reply)

    return end


def with_verdict(verdict: str, message: str) -> Callable[[Claim, Database, Clock], None]:
    def end(claim: Claim, _db: Database, _clock: Clock) -> None:
        claim.apply(verdict, message=message)

    return end


def by_lost_leases(_claim: Claim, db: Database, clock: Clock) -> None:
    db.execute("update perdure.runs set failure_count = 9")
    clock.advance(timedelta(hours=3))
    db.call("promote_due")


def by_its_time_while_waiting(claim: Claim, db: Database, clock: Clock) -> None:
    claim.reply("RESUME_WITH_TASK", task=task("nap", noop=True, delaySeconds=36_000))
    clock.advance(timedelta(hours=1))
    db.call("promote_due")


def by_its_time_while_executing(_claim: Claim, db: Database, clock: Clock) -> None:
    clock.advance(timedelta(hours=1))
    db.call("promote_due")


def by_a_disabled_version(claim: Claim, db: Database, _clock: Clock) -> None:
    claim.reply("YIELD_EXECUTION", key="again")
    db.execute("update perdure.job_versions set status = 'DISABLED'")
    assert db.call("claim_runs", "test", 1) == []


@pytest.mark.parametrize(
    ("end", "status", "name", "message"),
    [
        (with_reply("ERROR", error={"message": "no", "name": "KeyError"}), "FAILURE", "KeyError", "no"),
        (with_reply("ERROR", error="plain"), "FAILURE", None, "plain"),
        (
            with_reply("ERROR", error={"message": "a\x00b\ud800", "name": 5}),
            "FAILURE", "5", "a\\u0000b\\ud800",
        ),
        (
            with_reply("INVALID_PAYLOAD", errors=[{"path": ["user", "0"], "message": "too short"}, {}]),
            "INVALID_PAYLOAD", None, "user.0: too short",
        ),
        (
            with_reply("INVALID_PAYLOAD", errors=[]),
            "INVALID_PAYLOAD", None, "The run ended with INVALID_PAYLOAD",
        ),
        (
            with_reply("UNRESOLVED_AUTH_ERROR", issues={"github": {"id": "github", "error": "no account"}}),
            "UNRESOLVED_AUTH", None, "github: no account",
        ),
        (with_verdict("UNREACHABLE", "nobody there"), "FAILURE", None, "nobody there"),
        (with_verdict("REFUSED", "401"), "FAILURE", None, "401"),
        (with_verdict("MALFORMED", "what?"), "FAILURE", None, "what?"),
        (
            with_verdict("FUNCTION_TIMEOUT", "Too long."), "TIMED_OUT", None,
            "Too long. The run made no progress: no task began or ended in this execution.",
        ),
        (by_its_time_while_waiting, "TIMED_OUT", None, "The run took longer than its job allows"),
        (by_its_time_while_executing, "TIMED_OUT", None, "The run took longer than its job allows"),
        (by_a_disabled_version, "ABORTED", None, "Version 1.0.0 of this job is disabled"),
    ],
)  # fmt: skip
def test_a_failure_is_kept(
    db: Database, builders: Builders, clock: Clock, end: Callable[[Claim, Database, Clock], None],
    status: str, name: str | None, message: str,
) -> None:  # fmt: skip
    run = builders.run(builders.endpoint(job(timeoutInSeconds=3600)))
    end(builders.claim(run), db, clock)
    (row,) = failures(db)
    assert (row.run_id, row.status, row.error_name, row.task_id) == (run.id, status, name, None)
    assert row.message.startswith(message)
    assert row.job == "greet"
    assert row.failed_at == db.value("select completed_at from perdure.runs")


def test_leases_lost_for_good_are_a_failure(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run()
    by_lost_leases(builders.claim(run), db, clock)
    assert failure(db, run).message.startswith(
        "No answer came back before the lease of dispatcher test expired"
    )


def test_success_and_cancelling_are_none(db: Database, builders: Builders) -> None:
    succeeds, waits, cancelled = builders.runs(3)
    claims = {claim.run_id: claim for claim in builders.claims()}
    results = [
        {"runId": run.id, "leaseNumber": claims[run.id].lease_number, "verdict": "REPLY", "durationMs": 1,
         "reply": reply}
        for run, reply in [
            (succeeds, {"status": "SUCCESS"}),
            (waits, {"status": "RESUME_WITH_TASK", "task": task("nap", noop=True, delaySeconds=60)}),
        ]
    ]  # fmt: skip
    db.call("cancel_run", cancelled.environment.id, cancelled.id)
    db.call("apply_results", results)
    assert failures(db) == []


def test_the_task_is_the_innermost_whose_error_the_run_repeats(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    for key, message in [
        ("caught", "other"),
        ("outer", "no order 7"),
        ("in-7", "no order 7"),
        ("last", "no"),
    ]:
        claim.store(task(key))
        db.execute(
            """
            update perdure.tasks set status = 'ERRORED', completed_at = now(), output = %s
            where display_key = %s
            """,
            json.dumps({"message": message}),
            key,
        )
    db.execute("update perdure.tasks set output = null where display_key = 'last'")
    claim.reply("ERROR", error={"message": 'task "in-7" failed: no order 7', "name": "TaskFailed"})
    row = failure(db, run)
    assert (row.task_key, row.error_name) == ("in-7", "TaskFailed")
    assert row.task_id == db.value("select id from perdure.tasks where display_key = 'in-7'")


def test_what_a_task_redacts_of_its_error_is_kept_nowhere(db: Database, builders: Builders) -> None:
    secret = {"message": "password hunter2 is wrong", "name": "Denied"}
    run = fails(
        builders, secret, task("login", redact={"paths": ["message"]}),
        task={"id": None, **task("login", redact={"paths": ["message"]})},
    )  # fmt: skip
    row = failure(db, run)
    assert (row.message, row.error_name, row.task_key) == ("[REDACTED]", "Denied", "login")
    assert "hunter2" not in row.error_text
    assert "hunter2" not in str(db.rows("select * from perdure.run_failures"))


def test_a_run_that_is_continued_has_not_failed_until_it_fails_again(
    db: Database, builders: Builders
) -> None:
    run = fails(builders, {"message": "first"})
    db.call("continue_run", run.environment.id, run.id)
    assert failures(db) == []
    builders.claim(run).reply("ERROR", error={"message": "second"})
    assert failure(db, run).message == "second"
    db.call("continue_run", run.environment.id, run.id)
    builders.claim(run).reply("SUCCESS")
    assert failures(db) == []


def test_a_message_is_kept_short(db: Database, builders: Builders) -> None:
    assert len(failure(db, fails(builders, {"message": "long " * 1000, "name": "N" * 1000})).message) == 500


@pytest.mark.parametrize(
    ("message", "normalized"),
    [
        ("no order 17", "no order #"),
        ("took 1.5 s, not -3", "took # s, not #"),
        ("GET http://127.0.0.1:8080/x: 404", "GET http://#/x: #"),
        ("run 0190b3a2-5d0e-7c5a-9f6e-2f4d3c2b1a00 of 2026-01-31T12:00:00.000Z", "run # of #"),
        ("customer cus_9s6XKzkNRiz8i3 is gone", "customer # is gone"),
        ("KeyError: 'name'", "KeyError: '…'"),
        ('task "send mail" failed', "task '…' failed"),
        ("can't read it, won't try", "can't read it, won't try"),
        ("items [1, 2, 33]", "items [#]"),
        ("two\n  lines\there ", "two lines here"),
        ("", ""),
    ],
)
def test_messages_of_one_kind_look_alike(pure_db: Database, message: str, normalized: str) -> None:
    assert pure_db.call("_normalized_message", message) == normalized


BASE = {"status": "FAILURE", "task_key": "order-1", "error_name": "KeyError", "message": "no order 17"}
JOB = str(UUID(int=1))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"task_key": "order-22", "message": "no order 18"}, True),
        ({"message": "no customer 17"}, False),
        ({"error_name": "ValueError"}, False),
        ({"error_name": None}, False),
        ({"task_key": None}, False),
        ({"status": "TIMED_OUT"}, False),
        ({"job_id": str(UUID(int=2))}, False),
    ],
)
def test_a_fingerprint_is_of_what_failures_have_in_common(
    pure_db: Database, change: dict[str, Any], same: bool
) -> None:
    first = pure_db.call("_failure_fingerprint", **{"job_id": JOB, **BASE})
    second = pure_db.call("_failure_fingerprint", **{"job_id": JOB, **BASE, **change})
    assert (first == second) is same
