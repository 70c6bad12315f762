"""What is told of runs that have ended, and to whom."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import task_row
from tests.support.builders import Builders, Endpoint, Run, job, manifest, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def subscribe(
    db: Database, run: Run, url: str = "", *, on_success: bool = True, on_failure: bool = True
) -> None:
    db.execute(
        "insert into perdure.run_subscriptions (run_id, url, on_success, on_failure) values (%s, %s, %s, %s)",
        run.id,
        url,
        on_success,
        on_failure,
    )


def told(db: Database, kind: str = "RUN_NOTIFICATION") -> list[Any]:
    rows = db.rows("select * from perdure.deliveries where kind = %s order by id", kind)
    return rows


def notification(db: Database) -> Any:
    (row,) = told(db)
    return row.request


def test_a_run_that_succeeds_tells_everything(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint()
    sent = {"name": "greet", "id": "e-1", "payload": {"n": 1}, "context": {"c": 2}}
    db.call("send_events", endpoint.environment.id, [sent], {"accountId": "user-1"})
    claim = builders.claims()[0]
    run = Run(db, claim.run_id, "e-1", endpoint.environment)
    subscribe(db, run)
    db.call("set_run_status", endpoint.environment.id, run.id, "mail", {"state": "success"})
    clock.advance(timedelta(seconds=5))
    claim.reply("SUCCESS", output={"done": True})
    shown = run.read()
    environment, organization, project = db.rows(
        "select environment, organization, project from perdure._environment_json(%s)",
        endpoint.environment.id,
    )[0]
    assert notification(db) == {
        "id": run.id,
        "ok": True,
        "status": "SUCCESS",
        "startedAt": shown["startedAt"],
        "updatedAt": shown["updatedAt"],
        "completedAt": shown["completedAt"],
        "isTest": False,
        "executionDurationInMs": 5,
        "executionCount": 1,
        "job": {"id": "greet", "version": "1.0.0"},
        "statuses": [{"key": "mail", "label": "mail", "state": "success", "history": []}],
        "environment": environment,
        "organization": organization,
        "project": project,
        "account": {"id": "user-1", "metadata": {}},
        "invocation": {
            "id": "e-1",
            "context": {"c": 2},
            "timestamp": claim.body["event"]["timestamp"],
            "payload": {"n": 1},
        },
        "output": {"done": True},
    }
    (row,) = told(db)
    assert (row.subject_id, row.endpoint_id, row.url) == (run.id, endpoint.id, None)
    assert (row.status, row.due_at is not None, row.attempt_count) == ("PENDING", True, 0)


def test_a_run_without_output_has_none_to_tell(db: Database, builders: Builders) -> None:
    run = builders.run()
    subscribe(db, run)
    builders.claim(run).reply("SUCCESS")
    assert {"output", "error", "task", "account"} & set(notification(db)) == set()


def test_a_run_that_fails_tells_the_error_and_the_task(db: Database, builders: Builders) -> None:
    run = builders.run()
    subscribe(db, run)
    claim = builders.claim(run)
    claim.store(
        task("caught", status="ERRORED", error={"message": "first"}),
        task("guilty", icon="bug", params={"a": 1}, status="ERRORED", error={"message": "second"}),
        task("open", status="RUNNING"),
    )
    claim.reply("ERROR", error={"message": "second"})
    said = notification(db)
    assert (said["ok"], said["status"], said["error"]) == (False, "FAILURE", {"message": "second"})
    assert "output" not in said
    guilty = task_row(db, run.id, "guilty")
    assert said["task"].pop("startedAt")
    assert said["task"] == {
        "id": guilty.id,
        "cacheKey": "guilty",
        "status": "ERRORED",
        "name": "Task",
        "icon": "bug",
        "error": {"message": "second"},
        "params": {"a": 1},
    }


def test_without_a_task_that_failed_the_one_that_was_open_is_told(db: Database, builders: Builders) -> None:
    run = builders.run()
    subscribe(db, run)
    claim = builders.claim(run)
    claim.store(task("open", status="RUNNING"))
    claim.reply("ERROR", error={"message": "outside of tasks"})
    said = notification(db)["task"]
    assert (said["cacheKey"], said["status"], said["error"]) == ("open", "ERRORED", None)


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        ({"status": "ERROR", "error": {"message": "no"}}, "FAILURE", {"message": "no"}),
        ({"status": "INVALID_PAYLOAD", "errors": [{"path": ["a"], "message": "no"}]}, "INVALID_PAYLOAD",
         [{"path": ["a"], "message": "no"}]),
        ({"status": "UNRESOLVED_AUTH_ERROR", "issues": {"slack": {"id": "slack", "error": "no"}}},
         "UNRESOLVED_AUTH", {"slack": {"id": "slack", "error": "no"}}),
    ],
)  # fmt: skip
def test_each_way_to_fail_is_told(
    db: Database, builders: Builders, reply: dict[str, Any], status: str, error: Any
) -> None:
    run = builders.run()
    subscribe(db, run)
    builders.claim(run).reply(**reply)
    said = notification(db)
    assert (said["ok"], said["status"], said["error"]) == (False, status, error)
    assert "task" not in said


def test_a_cancelled_run_tells_so(db: Database, builders: Builders) -> None:
    run = builders.run()
    subscribe(db, run)
    db.call("cancel_run", run.environment.id, run.id)
    said = notification(db)
    assert (said["ok"], said["status"], said["error"]) == (
        False, "CANCELED", {"message": "The run ended with CANCELED"},
    )  # fmt: skip
    assert said["startedAt"] == said["completedAt"]  # it was never executed
    db.call("cancel_run", run.environment.id, run.id)
    assert len(told(db)) == 1


def test_an_aborted_run_tells_so(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    subscribe(db, run)
    db.call("index_endpoint", endpoint.id, manifest(job(enabled=False)))
    assert builders.claims() == []
    assert (notification(db)["status"], notification(db)["ok"]) == ("ABORTED", False)


@pytest.mark.parametrize(("reply", "succeeds"), [("SUCCESS", True), ("ERROR", False)])
def test_each_is_told_what_he_wants_to_know(
    db: Database, builders: Builders, reply: str, succeeds: bool
) -> None:
    endpoint = builders.endpoint()
    silent, run = builders.runs(2, endpoint)
    subscribe(db, run, "", on_success=True, on_failure=False)
    subscribe(db, run, "https://a.example/failed", on_success=False)
    subscribe(db, run, "https://a.example/both")
    for claim in builders.claims():
        claim.reply(reply, error={"message": "no"})
    assert [row.subject_id for row in told(db)] == ([run.id] if succeeds else [])
    urls = {row.url for row in told(db, "RUN_WEBHOOK")}
    assert urls == {"https://a.example/both"} | (set() if succeeds else {"https://a.example/failed"})
    assert silent.status == run.status


def test_a_run_that_waits_or_is_tried_again_tells_nothing(db: Database, builders: Builders) -> None:
    run = builders.run()
    subscribe(db, run)
    builders.claim(run).reply("RESUME_WITH_TASK", task=task("w", noop=True, delaySeconds=60))
    assert told(db) == []


def test_documents_are_told_as_they_were_written(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    written = r'{"zero": "\u0000", "n": 1.0}'
    db.value("select perdure.send_event(%s, 'greet', %s::json)", endpoint.environment.id, written)
    claim = builders.claims()[0]
    subscribe(db, Run(db, claim.run_id, "", endpoint.environment))
    result = (
        rf'[{{"runId": "{claim.run_id}", "leaseNumber": 1, "verdict": "REPLY", "durationMs": 1, '
        rf'"reply": {{"status": "SUCCESS", "output": {written}}}}}]'
    )
    db.rows("select * from perdure.apply_results(%s::json)", result)
    text = db.value("select request::text from perdure.deliveries where kind = 'RUN_NOTIFICATION'")
    assert text.count(written) == 2


def test_dispatchers_are_woken(db: Database, other: Database, builders: Builders, endpoint: Endpoint) -> None:
    run = builders.run(endpoint)
    subscribe(db, run)
    other.execute("listen perdure_ready")
    db.call("cancel_run", run.environment.id, run.id)
    heard = {message.payload for message in other.connection.notifies(timeout=10, stop_after=1)}
    assert heard == {"deliveries"}


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    return builders.endpoint()
