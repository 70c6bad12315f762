"""Every status of a reply to EXECUTE_JOB (section 3.3 of the protocol), and the rows it leaves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import (
    attempts,
    dead_letters,
    executions,
    leased,
    payloads,
    queued,
    run_row,
    task_row,
    task_statuses,
)
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

ERROR = {"message": "it broke", "name": "Error", "stack": "Error: it broke\n at line 1"}
FINAL_REPLIES: list[tuple[str, dict[str, Any], str, Any]] = [
    ("SUCCESS", {"output": {"a": [1, None]}}, "SUCCESS", {"a": [1, None]}),
    ("ERROR", {"error": ERROR}, "FAILURE", ERROR),
    (
        "INVALID_PAYLOAD",
        {"errors": [{"path": ["a"], "message": "required"}]},
        "INVALID_PAYLOAD",
        [{"path": ["a"], "message": "required"}],
    ),
    (
        "UNRESOLVED_AUTH_ERROR",
        {"issues": {"github": {"id": "github", "error": "no token"}}},
        "UNRESOLVED_AUTH",
        {"github": {"id": "github", "error": "no token"}},
    ),
    ("CANCELED", {}, "CANCELED", {"message": "REPLY"}),
]


def inline(key: str, **members: Any) -> dict[str, Any]:
    """A reply's task that the platform has not seen: a record without an id."""
    return task(key, **members)


def by_id(claim: Claim, key: str, **members: Any) -> dict[str, Any]:
    """A reply's task that the platform has stored before, as the v2 SDK echoes it."""
    return claim.stored(task(key, **members))[0]


@pytest.mark.parametrize(("status", "members", "run_status", "output"), FINAL_REPLIES)
def test_a_reply_that_ends_the_run(
    db: Database,
    builders: Builders,
    clock: Clock,
    status: str,
    members: dict[str, Any],
    run_status: str,
    output: Any,
) -> None:
    claim = builders.claim()
    claim.store(task("done", status="COMPLETED"), task("open"), task("waits", delaySeconds=60))
    before = clock.now()
    assert (
        claim.apply("REPLY", durationMs=250, httpStatus=200, reply={"status": status, **members})
        == run_status
    )

    run = run_row(db, claim.run_id)
    assert (run.status, run.output) == (run_status, output)
    assert before <= run.completed_at <= clock.now()
    assert (run.execution_count, run.failure_count, run.duration_ms, run.due_at) == (1, 0, 250, None)
    open_became = "CANCELED" if run_status == "CANCELED" else "ERRORED"
    assert task_statuses(db, claim.run_id) == {"done": "COMPLETED", "open": open_became, "waits": open_became}
    assert task_row(db, claim.run_id, "waits").due_at is None
    (execution,) = executions(db, claim.run_id)
    assert (execution.verdict, execution.reply_status, execution.http_status) == ("REPLY", status, 200)
    assert (execution.lease_number, execution.dispatcher, execution.duration_ms) == (1, "test", 250)
    assert (leased(db), queued(db), dead_letters(db)) == ([], [], {})


@pytest.mark.parametrize(
    ("members", "stored"), [({}, None), ({"output": None}, "null"), ({"output": 0}, "0")]
)
def test_no_output_is_not_the_output_null(
    db: Database, builders: Builders, members: dict[str, Any], stored: str | None
) -> None:
    claim = builders.claim()
    claim.reply("SUCCESS", **members)
    assert run_row(db, claim.run_id).output_text == stored
    assert ("output" in db.call("get_run", claim.body["environment"]["id"], claim.run_id)) == (
        stored is not None
    )


def test_what_jsonb_refuses_is_kept_as_it_was_written(db: Database, builders: Builders, clock: Clock) -> None:
    """Zeros and lone surrogates, in every place that a reply has for the user's documents."""
    odd = {"text": "a\x00b\ud83dc", "smile": "😀"}
    shown = [{"label": "a", "text": "\x00"}]
    claim = builders.claim()
    (stored,) = claim.store(task("stored", status="COMPLETED", output=odd, params=odd, properties=shown))
    assert (stored.response["output"], stored.response["params"]) == (odd, odd)
    claim.reply(
        "RETRY_WITH_TASK",
        task=inline("flaky", params=odd, outputProperties=shown),
        error=odd,
        tasks=[task("rider", status="ERRORED", error=odd)],
    )
    flaky = task_row(db, claim.run_id, "flaky")
    assert (flaky.params, flaky.output_properties) == (odd, shown)
    assert [attempt.error for attempt in attempts(db, flaky.id)] == [odd]
    assert task_row(db, claim.run_id, "rider").output == odd

    clock.advance(timedelta(minutes=1))
    db.call("promote_due")
    (claim,) = builders.claims()
    assert [known.get("output") for known in claim.body["tasks"]] == [odd, odd, None]
    identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id, "taskId": flaky.id}
    (finished,) = db.call(
        "finish_tasks", [{**identity, "status": "COMPLETED", "output": odd, "properties": shown}]
    )
    assert (finished.response["output"], finished.response["outputProperties"]) == (odd, shown)
    assert claim.reply("SUCCESS", output=odd) == "SUCCESS"
    read = db.call("get_run", identity["environmentId"], claim.run_id, task_details=True)
    assert (read["output"], [each["output"] for each in read["tasks"]]) == (odd, [odd, odd, odd])


def test_an_error_that_names_a_task_fails_the_task_with_it(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    named = by_id(claim, "named")
    claim.store(task("other"))
    claim.reply("ERROR", error=ERROR, task=named)
    assert task_row(db, claim.run_id, "named").output == ERROR
    assert task_row(db, claim.run_id, "other").output is None
    assert task_statuses(db, claim.run_id) == {"named": "ERRORED", "other": "ERRORED"}


def test_an_error_about_a_task_that_ended_leaves_its_result(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    done = by_id(claim, "done", status="COMPLETED", output=1)
    assert claim.reply("ERROR", error=ERROR, task=done) == "FAILURE"
    assert (task_row(db, claim.run_id, "done").status, task_row(db, claim.run_id, "done").output) == (
        "COMPLETED",
        1,
    )


def test_an_error_may_say_that_no_task_is_meant(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert claim.reply("ERROR", error=ERROR, task=None, tasks=None) == "FAILURE"
    assert run_row(db, claim.run_id).output == ERROR


@pytest.mark.parametrize(
    "make", [lambda claim, key, **members: inline(key, **members), by_id], ids=["record", "id"]
)
def test_resume_waits_for_the_task(
    db: Database, builders: Builders, clock: Clock, make: Callable[..., dict[str, Any]]
) -> None:
    claim = builders.claim()
    before = clock.now()
    awaited = make(claim, "wait", noop=True, delaySeconds=60)
    shown = [{"label": "until", "text": "tomorrow"}]
    assert (
        claim.reply("RESUME_WITH_TASK", task={**awaited, "outputProperties": shown}) == "WAITING_TO_CONTINUE"
    )

    stored = task_row(db, claim.run_id, "wait")
    assert (stored.status, stored.attempt_count, stored.output_properties) == ("WAITING", 1, shown)
    assert timedelta(seconds=60) <= stored.due_at - before <= clock.now() - before + timedelta(seconds=60)
    run = run_row(db, claim.run_id)
    assert (run.status, run.due_at, run.completed_at, run.execution_count) == (
        "WAITING_TO_CONTINUE",
        None,
        None,
        1,
    )
    assert (leased(db), queued(db)) == ([], [])
    assert db.call("promote_due")[0].promoted_runs == 0

    clock.advance(timedelta(seconds=61))
    assert db.call("promote_due")[0].promoted_runs == 1
    (again,) = builders.claims()
    (known,) = again.body["tasks"]
    assert (known["id"], known["status"], "output" in known) == (stored.id, "COMPLETED", False)
    assert again.body["perdure"] == {"leaseNumber": 2}


def test_resume_with_a_task_that_is_due_already_executes_again_at_once(
    db: Database, builders: Builders
) -> None:
    """The wait ended while the run was executing, so nobody else would wake it."""
    claim = builders.claim()
    awaited = by_id(claim, "done", status="COMPLETED", output=5)
    assert claim.reply("RESUME_WITH_TASK", task=awaited) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_resume_with_a_running_task_executes_again_at_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert claim.reply("RESUME_WITH_TASK", task=by_id(claim, "task")) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_resume_with_a_task_of_the_platform_waits_for_it(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert (
        claim.reply(
            "RESUME_WITH_TASK", task=by_id(claim, "fetch", operation="fetch", params={"url": "http://x.test"})
        )
        == "WAITING_TO_CONTINUE"
    )
    assert (queued(db), task_row(db, claim.run_id, "fetch").due_at) == ([], None)


def test_any_task_that_falls_due_wakes_the_run(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    claim.store(task("sooner", noop=True, delaySeconds=5))
    claim.reply("RESUME_WITH_TASK", task=inline("later", noop=True, delaySeconds=60))
    clock.advance(timedelta(seconds=6))
    assert db.call("promote_due")[0].promoted_runs == 1
    assert task_statuses(db, claim.run_id) == {"sooner": "COMPLETED", "later": "WAITING"}


@pytest.mark.parametrize("make", [lambda claim, key: inline(key), by_id], ids=["record", "id"])
def test_retry_ends_the_attempt_and_schedules_the_next(
    db: Database, builders: Builders, clock: Clock, make: Callable[..., dict[str, Any]]
) -> None:
    claim = builders.claim()
    retry_at = clock.now() + timedelta(minutes=5)
    for number in (1, 2):
        failing = make(claim, "flaky")
        outcome = claim.reply("RETRY_WITH_TASK", task=failing, error=ERROR, retryAt=retry_at.isoformat())
        assert outcome == "WAITING_TO_CONTINUE"
        flaky = task_row(db, claim.run_id, "flaky")
        assert (flaky.status, flaky.attempt_count, flaky.due_at) == ("WAITING", number + 1, retry_at)
        attempt = attempts(db, flaky.id)[-1]
        assert (attempt.number, attempt.error, attempt.next_at) == (number, ERROR, retry_at)
        assert run_row(db, claim.run_id).due_at is None

        clock.advance(timedelta(minutes=5))
        retry_at += timedelta(minutes=5)
        assert db.call("promote_due")[0].promoted_runs == 1
        (claim,) = builders.claims()
        (known,) = claim.body["tasks"]
        assert (known["status"], known["attempts"]) == ("RUNNING", number + 1)
    claim.store(task("flaky", status="COMPLETED", output="at last"))
    assert claim.reply("SUCCESS") == "SUCCESS"
    assert task_row(db, claim.run_id, "flaky").output == "at last"
    assert len(attempts(db, flaky.id)) == 2


def test_retry_without_an_instant_takes_the_delay_of_the_policy(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    policy = {"limit": 5, "factor": 3, "minTimeoutInMs": 2000, "maxTimeoutInMs": 10_000, "randomize": False}
    delays = []
    for _ in range(4):
        claim.reply("RETRY_WITH_TASK", task=inline("flaky"), error=ERROR, retry=policy)
        flaky = task_row(db, claim.run_id, "flaky")
        attempt = attempts(db, flaky.id)[-1]
        delays.append((attempt.next_at - attempt.ended_at).total_seconds())
        clock.advance(timedelta(seconds=11))
        db.call("promote_due")
        (claim,) = builders.claims()
    assert delays == pytest.approx([2, 2, 6, 10])


@pytest.mark.parametrize(("delay_ms", "told"), [(60_000, []), (1_000, ["due"])])
def test_a_retry_that_is_due_soon_wakes_sleeping_dispatchers(
    db: Database, builders: Builders, delay_ms: int, told: list[str]
) -> None:
    """Of a connected app the server takes the reply, and others look at what is due."""
    claim = builders.claim()
    with db.as_role("perdure_owner") as listener:
        listener.execute("listen perdure_ready")
        policy = {"minTimeoutInMs": delay_ms, "maxTimeoutInMs": delay_ms, "randomize": False}
        claim.reply("RETRY_WITH_TASK", task=inline("flaky"), error=ERROR, retry=policy)
        assert payloads(db, listener) == told


def test_retry_of_a_task_that_ended_executes_again_at_once(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    done = by_id(claim, "done", status="COMPLETED", output=1)
    assert claim.reply("RETRY_WITH_TASK", task=done, error=ERROR) == "WAITING_TO_EXECUTE"
    stored = task_row(db, claim.run_id, "done")
    assert (stored.status, stored.attempt_count, attempts(db, stored.id)) == ("COMPLETED", 1, [])
    assert queued(db) == [claim.run_id]


def test_retry_without_an_error_still_records_one(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.reply("RETRY_WITH_TASK", task=inline("flaky"))
    (attempt,) = attempts(db, task_row(db, claim.run_id, "flaky").id)
    assert attempt.error == {"message": "no error was given"}


@pytest.mark.parametrize(
    ("status", "members"),
    [
        ("SUCCESS", {}),
        ("ERROR", {"error": ERROR}),
        ("INVALID_PAYLOAD", {"errors": []}),
        ("RESUME_WITH_TASK", {"task": inline("wait", noop=True, delaySeconds=9)}),
        ("RETRY_WITH_TASK", {"task": inline("flaky"), "error": ERROR}),
        ("YIELD_EXECUTION", {"key": "a"}),
    ],
)
def test_tasks_ride_along_with_every_reply(
    db: Database, builders: Builders, status: str, members: dict[str, Any]
) -> None:
    claim = builders.claim()
    riders = [
        task("log", name="log", noop=True),
        task("done", status="COMPLETED", output=[1]),
        task("failed", status="ERRORED", error=ERROR),
    ]
    claim.reply(status, tasks=riders, **members)
    found = list(task_statuses(db, claim.run_id).items())
    assert found[:3] == [("log", "COMPLETED"), ("done", "COMPLETED"), ("failed", "ERRORED")]
    assert len(found) == (4 if "task" in members else 3)
    assert task_row(db, claim.run_id, "done").output == [1]
    assert task_row(db, claim.run_id, "failed").output == ERROR


def test_the_task_of_a_reply_may_be_inside_one_that_rides_along(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    parent = task("parent", status="RUNNING")
    claim.reply(
        "RESUME_WITH_TASK",
        tasks=[parent],
        task=inline("wait", noop=True, delaySeconds=9, parentKey=parent["idempotencyKey"]),
    )
    assert task_row(db, claim.run_id, "wait").parent_id == task_row(db, claim.run_id, "parent").id
