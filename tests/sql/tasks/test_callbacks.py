"""Tasks that somebody outside ends: the URL, the call, the timeout; calls early, late, twice or false."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.sql.rows import queued, run_row
from tests.support.builders import PUBLIC_URL, Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


@pytest.fixture(autouse=True)
def _public_url(db: Database) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)


def open_callback(claim: Claim, **callback: Any) -> dict[str, Any]:
    """A task that waits for a call, as the API answers it."""
    (row,) = claim.db.call(
        "upsert_tasks",
        [
            {
                "environmentId": claim.body["environment"]["id"],
                "runId": claim.run_id,
                "task": task("approval", callback={"enabled": True, **callback}),
            }
        ],
    )
    assert row.error_code is None
    found: dict[str, Any] = row.response
    return found


def by_id(db: Database, opened: dict[str, Any]) -> Any:
    """The task's row."""
    (row,) = db.rows("select * from perdure.tasks where id = %s", opened["id"])
    return row


def call_back(db: Database, opened: dict[str, Any], body: Any) -> Any:
    """POST the body to the task's callback URL, as the server does."""
    _, _, secret = opened["callbackUrl"].rpartition("/")
    return db.call("complete_callback", opened["id"], secret, Json(body))


def test_the_url_leads_to_the_task_and_is_secret(builders: Builders) -> None:
    opened = open_callback(builders.claim())
    prefix, _, secret = opened["callbackUrl"].rpartition("/")
    assert prefix == f"{PUBLIC_URL}/api/v1/tasks/{opened['id']}/callback"
    assert len(secret) == 24
    assert opened["status"] == "WAITING"


def test_met_again_the_task_has_the_same_url(builders: Builders) -> None:
    claim = builders.claim()
    assert open_callback(claim)["callbackUrl"] == open_callback(claim)["callbackUrl"]


@pytest.mark.parametrize("body", [{"approved": True}, None, [1, "two"], "text"])
def test_the_calls_body_is_the_output_and_the_run_goes_on(
    db: Database, builders: Builders, body: Any
) -> None:
    claim = builders.claim()
    opened = open_callback(claim)
    assert claim.reply("RESUME_WITH_TASK", task=opened) == "WAITING_TO_CONTINUE"
    assert call_back(db, opened, body) == {"success": True}
    row = by_id(db, opened)
    assert (row.status, row.output, row.due_at) == ("COMPLETED", body, None)
    assert queued(db) == [claim.run_id]
    (again,) = builders.claims()
    assert [(t["status"], t["output"]) for t in again.body["tasks"]] == [("COMPLETED", body)]


def test_a_call_before_the_executions_reply_is_not_lost(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    opened = open_callback(claim)
    call_back(db, opened, 1)
    assert queued(db) == []
    assert claim.reply("RESUME_WITH_TASK", task=opened) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_a_second_call_changes_nothing(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    opened = open_callback(claim)
    claim.reply("RESUME_WITH_TASK", task=opened)
    call_back(db, opened, "first")
    assert call_back(db, opened, "second") == {"success": True}
    assert by_id(db, opened).output == "first"
    assert queued(db) == [claim.run_id]


@pytest.mark.parametrize("secret", ["", "0" * 24, "%"])
def test_a_wrong_secret_is_not_found(db: Database, builders: Builders, secret: str) -> None:
    opened = open_callback(builders.claim())
    with refused("JQ001"):
        db.call("complete_callback", opened["id"], secret, 1)
    assert by_id(db, opened).status == "WAITING"


def test_an_ordinary_task_has_no_callback(db: Database, builders: Builders) -> None:
    (plain,) = builders.claim().stored(task("plain"))
    assert "callbackUrl" not in plain
    with refused("JQ001"):
        db.call("complete_callback", plain["id"], "0" * 24, 1)


def test_patience_ends(db: Database, builders: Builders, clock: Clock) -> None:
    claim = builders.claim()
    opened = open_callback(claim, timeoutInSeconds=60)
    claim.reply("RESUME_WITH_TASK", task=opened)
    clock.advance(timedelta(seconds=59))
    assert db.call("promote_due")[0].promoted_runs == 0
    clock.advance(timedelta(seconds=2))
    assert db.call("promote_due")[0].promoted_runs == 1
    row = by_id(db, opened)
    assert (row.status, row.output) == ("ERRORED", "Remote callback timeout - no requests received")
    assert queued(db) == [claim.run_id]
    assert call_back(db, opened, "too late") == {"success": True}
    assert by_id(db, opened).status == "ERRORED"


def test_the_default_patience_is_an_hour(db: Database, builders: Builders) -> None:
    opened = open_callback(builders.claim())
    row = by_id(db, opened)
    assert row.due_at - row.created_at == timedelta(hours=1)


def test_a_timeout_of_zero_waits_for_ever_and_is_healthy(
    db: Database, builders: Builders, clock: Clock
) -> None:
    claim = builders.claim()
    opened = open_callback(claim, timeoutInSeconds=0)
    claim.reply("RESUME_WITH_TASK", task=opened)
    clock.advance(timedelta(days=400))
    assert db.call("promote_due")[0].promoted_runs == 0
    assert run_row(db, claim.run_id).status == "WAITING_TO_CONTINUE"
    assert db.call("doctor") == []


def test_an_attempt_that_failed_is_repeated_while_the_call_is_waited_for(
    db: Database, builders: Builders, clock: Clock
) -> None:
    """The code that tells somebody the URL may fail and be tried again; the URL stays good meanwhile."""
    claim = builders.claim()
    opened = open_callback(claim, timeoutInSeconds=600)
    claim.reply(
        "RETRY_WITH_TASK",
        task=opened,
        error={"message": "mail server down"},
        retryAt=(clock.now() + timedelta(seconds=5)).isoformat(),
    )
    clock.advance(timedelta(seconds=6))
    assert db.call("promote_due")[0].promoted_runs == 1
    row = by_id(db, opened)
    assert (row.status, row.attempt_count) == ("WAITING", 2)
    (again,) = builders.claims()
    again.reply("RESUME_WITH_TASK", task=opened)
    call_back(db, opened, "yes")
    assert by_id(db, opened).output == "yes"
    assert queued(db) == [claim.run_id]


def test_the_call_of_a_cancelled_run_changes_nothing(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    opened = open_callback(claim)
    claim.reply("RESUME_WITH_TASK", task=opened)
    db.call("cancel_run", run.environment.id, run.id)
    assert call_back(db, opened, 1) == {"success": True}
    assert (by_id(db, opened).status, queued(db)) == ("CANCELED", [])


def test_without_a_public_url_the_call_is_refused_alone(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    db.execute("delete from perdure.settings")
    good, bad = claim.store(task("good"), task("bad", callback={"enabled": True}))
    assert (good.error_code, bad.error_code) == (None, "JQ002")
    assert "PERDURE_PUBLIC_URL" in bad.error_message
