"""Doing a run again from the beginning, or going on where it stopped."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import attempts, dead_letters, queued, run_row, snapshot, task_row, task_statuses
from tests.support.builders import Builders, Run, job, manifest, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def again(db: Database, run: Run) -> Any:
    return db.call("rerun_run", run.environment.id, run.id)


def go_on(db: Database, run: Run) -> Any:
    return db.call("continue_run", run.environment.id, run.id)


def failed_run(builders: Builders, *tasks: dict[str, Any]) -> Run:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(*tasks)
    assert claim.reply("ERROR", error={"message": "no"}) == "FAILURE"
    return run


def test_a_rerun_is_a_new_run_for_a_copy_of_the_event(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    sent = {"name": "greet", "id": "e-1", "payload": {"n": 1}, "context": {"c": 1}, "isTest": True}
    db.call("send_events", endpoint.environment.id, [sent], {"accountId": "user-1"})
    first = builders.claims()[0]
    first.reply("SUCCESS", output=1)
    new = again(db, Run(db, first.run_id, "e-1", endpoint.environment))
    assert new["id"] != first.run_id
    assert (new["status"], new["tasks"]) == ("QUEUED", [])
    (second,) = builders.claims()
    assert second.run_id == new["id"]
    assert second.body["event"]["id"].startswith("e-1:retry:")
    for member in ("name", "payload", "context", "timestamp"):
        assert second.body["event"][member] == first.body["event"][member]
    assert second.body["account"]["id"] == "user-1"
    assert second.body["run"]["isTest"] is True
    assert run_row(db, first.run_id).status == "SUCCESS"


def test_a_rerun_gets_the_newest_version(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(version="1.0.0"))
    run = builders.run(endpoint)
    builders.claim(run).reply("SUCCESS")
    db.call("index_endpoint", endpoint.id, manifest(job(version="1.1.0")))
    again(db, run)
    assert builders.claims()[0].body["job"]["version"] == "1.1.0"


def test_runs_of_one_event_are_rerun_in_the_same_millisecond(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a"), job("b"))
    runs = builders.runs(1, endpoint)
    assert len(runs) == 2
    rows = db.rows("select perdure.rerun_run(environment_id, id) as run from perdure.runs")
    events = db.rows("select event_id from perdure.events where event_id like '%:retry:%'")
    assert len({row.run["id"] for row in rows}) == 2
    assert len(events) == 2


def test_a_run_of_a_disabled_job_is_not_rerun(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    db.call("index_endpoint", endpoint.id, manifest(job(enabled=False)))
    before = snapshot(db)
    with refused("JQ002", "greet", "disabled"):
        again(db, run)
    assert snapshot(db) == before


def test_a_continued_run_keeps_its_results_and_does_the_rest(db: Database, builders: Builders) -> None:
    run = failed_run(
        builders,
        task("done", status="COMPLETED", output={"n": 1.0}),
        task("failed", status="ERRORED", error={"message": "no"}),
        task("open", status="RUNNING"),
    )
    db.execute("update perdure.tasks set attempt_count = 2 where display_key = 'failed'")
    answer = go_on(db, run)
    assert (answer["id"], answer["status"], answer["completedAt"]) == (run.id, "QUEUED", None)
    assert "output" not in answer
    assert task_statuses(db, run.id) == {"done": "COMPLETED", "failed": "RUNNING", "open": "RUNNING"}
    assert task_row(db, run.id, "done").output_text == '{"n": 1.0}'
    failed, opened = task_row(db, run.id, "failed"), task_row(db, run.id, "open")
    assert (failed.output_text, failed.attempt_count, failed.completed_at) == (None, 3, None)
    assert [(a.number, a.error) for a in attempts(db, failed.id)] == [(2, {"message": "no"})]
    assert (opened.attempt_count, attempts(db, opened.id)) == (1, [])
    assert queued(db) == [run.id]

    claim = builders.claim(run)
    known = {known["idempotencyKey"]: known["status"] for known in claim.body["tasks"]}
    assert sorted(known.values()) == ["COMPLETED", "RUNNING", "RUNNING"]
    claim.stored(task("failed", status="COMPLETED", output=2))
    assert claim.reply("SUCCESS", output="at last") == "SUCCESS"
    assert run.read()["output"] == "at last"
    assert db.call("doctor") == []


def test_waits_of_a_continued_run_are_over(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run()
    builders.claim(run).reply("RESUME_WITH_TASK", task=task("a day", noop=True, delaySeconds=86400))
    db.call("cancel_run", run.environment.id, run.id)
    go_on(db, run)
    row = task_row(db, run.id, "a day")
    assert (row.status, row.delay_until, row.due_at) == ("COMPLETED", None, None)
    assert row.completed_at is not None
    assert builders.claim(run).reply("SUCCESS") == "SUCCESS"
    clock.advance(timedelta(days=2))
    db.call("promote_due")
    assert builders.claims() == []


def test_a_delay_between_tries_is_over(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    (stored,) = claim.stored(task("flaky", status="RUNNING"))
    claim.reply(
        "RETRY_WITH_TASK", task={"id": stored["id"]}, error={"message": "no"}, retryAt="2099-01-01T00:00:00Z"
    )
    assert task_row(db, run.id, "flaky").status == "WAITING"
    db.call("cancel_run", run.environment.id, run.id)
    go_on(db, run)
    row = task_row(db, run.id, "flaky")
    assert (row.status, row.due_at, row.attempt_count) == ("RUNNING", None, 2)


def test_a_callback_starts_anew_with_another_url(db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://perdure.test")
    run = builders.run()
    wanted = task("event", callback={"enabled": True, "timeoutInSeconds": 60})
    first = builders.claim(run)
    (before,) = first.stored(wanted)
    assert before["status"] == "WAITING"
    first.reply("RESUME_WITH_TASK", task={"id": before["id"]})
    db.call("cancel_run", run.environment.id, run.id)
    go_on(db, run)
    assert task_statuses(db, run.id) == {"event": "CANCELED"}
    (after,) = builders.claim(run).stored(wanted)
    assert (after["id"], after["status"]) == (before["id"], "WAITING")
    assert after["callbackUrl"] != before["callbackUrl"]
    assert task_row(db, run.id, "event").due_at is not None


def test_a_callback_that_timed_out_starts_anew(db: Database, builders: Builders, clock: Clock) -> None:
    db.call("set_setting", "public_url", "https://perdure.test")
    run = builders.run()
    wanted = task("event", callback={"enabled": True, "timeoutInSeconds": 60})
    claim = builders.claim(run)
    (stored,) = claim.stored(wanted)
    claim.reply("RESUME_WITH_TASK", task={"id": stored["id"]})
    clock.advance(timedelta(seconds=61))
    db.call("promote_due")
    claim = builders.claim(run)
    assert task_statuses(db, run.id) == {"event": "ERRORED"}
    claim.reply("ERROR", error={"message": "nobody called"})
    go_on(db, run)
    (after,) = builders.claim(run).stored(wanted)
    assert after["status"] == "WAITING"


def test_the_limits_of_a_continued_run_begin_anew(db: Database, builders: Builders) -> None:
    run = builders.run()
    for _ in range(9):
        builders.claim(run).apply("LEASE_EXPIRED")
        db.execute("update perdure.runs set due_at = null")
        db.call("_enqueue_runs", [run.id])
    assert builders.claim(run).apply("LEASE_EXPIRED") == "FAILURE"
    assert list(dead_letters(db)) == [run.id]
    lease_number = run_row(db, run.id).lease_number
    go_on(db, run)
    row = run_row(db, run.id)
    assert (row.failure_count, row.execution_count, row.duration_ms, row.idle_count) == (0, 0, 0, 0)
    assert dead_letters(db) == {}
    claim = builders.claim(run)
    assert claim.lease_number == lease_number + 1
    assert claim.apply("LEASE_EXPIRED") == "WAITING_TO_EXECUTE"


def test_its_end_is_told_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    db.execute("insert into perdure.run_subscriptions values (%s, '', true, true)", run.id)
    builders.claim(run).reply("ERROR", error={"message": "no"})
    go_on(db, run)
    builders.claim(run).reply("SUCCESS")
    rows = db.rows("select request from perdure.deliveries where kind = 'RUN_NOTIFICATION' order by id")
    assert [row.request["status"] for row in rows] == ["FAILURE", "SUCCESS"]


def ends_with(status: str, **reply: Any) -> Callable[[Database, Builders, Run], None]:
    def end(db: Database, builders: Builders, run: Run) -> None:
        builders.claim(run).reply(status, **reply)

    return end


def ends_timed_out(db: Database, builders: Builders, run: Run) -> None:
    assert builders.claim(run).apply("FUNCTION_TIMEOUT", durationMs=11_000) == "TIMED_OUT"


def ends_cancelled(db: Database, builders: Builders, run: Run) -> None:
    db.call("cancel_run", run.environment.id, run.id)


def ends_aborted(db: Database, builders: Builders, run: Run) -> None:
    db.execute("update perdure.job_versions set status = 'DISABLED'")
    assert builders.claims() == []
    db.execute("update perdure.job_versions set status = 'ACTIVE'")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (ends_with("ERROR", error={"message": "no"}), "FAILURE"),
        (ends_with("INVALID_PAYLOAD", errors=[]), "INVALID_PAYLOAD"),
        (ends_with("UNRESOLVED_AUTH_ERROR", issues={}), "UNRESOLVED_AUTH"),
        (ends_timed_out, "TIMED_OUT"),
        (ends_cancelled, "CANCELED"),
        (ends_aborted, "ABORTED"),
    ],
)
def test_every_end_without_success_can_be_continued(
    db: Database, builders: Builders, end: Callable[[Database, Builders, Run], None], status: str
) -> None:
    run = builders.run()
    end(db, builders, run)
    assert run.status == status
    go_on(db, run)
    assert builders.claim(run).reply("SUCCESS", output=1) == "SUCCESS"
    assert run.read()["output"] == 1


def test_a_run_that_was_cancelled_while_queued_is_executed_once(db: Database, builders: Builders) -> None:
    run = builders.run()
    db.call("cancel_run", run.environment.id, run.id)
    go_on(db, run)  # the first message may still be there
    assert builders.claim(run).reply("SUCCESS") == "SUCCESS"
    assert builders.claims() == []


def test_a_run_that_has_not_ended_is_not_continued(db: Database, builders: Builders) -> None:
    run = builders.run()
    before = snapshot(db)
    with refused("JQ002", run.id, "QUEUED"):
        go_on(db, run)
    assert snapshot(db) == before
    claim = builders.claim(run)
    with refused("JQ002", run.id, "EXECUTING"):
        go_on(db, run)
    claim.reply("ERROR", error={"message": "no"})
    go_on(db, run)
    with refused("JQ002", run.id, "QUEUED"):
        go_on(db, run)


def test_a_run_that_succeeded_is_not_continued(db: Database, builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).reply("SUCCESS")
    before = snapshot(db)
    with refused("JQ003", run.id, "rerun"):
        go_on(db, run)
    assert snapshot(db) == before


@pytest.mark.parametrize("function", ["rerun_run", "continue_run"])
def test_another_environments_run_is_not_found(db: Database, builders: Builders, function: str) -> None:
    run, other = failed_run(builders), builders.environment()
    for environment_id, run_id in ((other.id, run.id), (run.environment.id, other.id)):
        with refused("JQ001"):
            db.call(function, environment_id, run_id)
