"""A task that is ended in the app's own transaction: fenced, once, and by nobody but who began it."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.sql.rows import task_row, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def begin(db: Database, claim: Claim, key: str = "pay", **changed: Any) -> None:
    arguments = {
        "environment_id": claim.body["environment"]["id"],
        "run_id": claim.run_id,
        "lease_number": claim.lease_number,
        "idempotency_key": task(key)["idempotencyKey"],
        **changed,
    }
    db.call("begin_task", **arguments)


def end(db: Database, claim: Claim, *tasks: dict[str, Any], **changed: Any) -> None:
    arguments = {
        "environment_id": claim.body["environment"]["id"],
        "run_id": claim.run_id,
        "lease_number": claim.lease_number,
        "tasks": list(tasks) or [task("pay", status="COMPLETED", output={"paid": True})],
        **changed,
    }
    db.call("end_task", **arguments)


@pytest.fixture
def app(db: Database) -> Any:
    """A connection of an app, in direct mode."""
    with db.as_role("perdure_app") as connection:
        connection.execute("set statement_timeout = '20s'")
        yield connection


def test_a_task_is_stored_exactly_when_the_transaction_commits(
    db: Database, app: Database, builders: Builders
) -> None:
    claim = builders.claim()
    with app.connection.transaction(force_rollback=True):
        begin(app, claim)
        end(app, claim)
    assert task_statuses(db, claim.run_id) == {}
    with app.connection.transaction():
        begin(app, claim)
        end(app, claim)
        assert task_statuses(db, claim.run_id) == {}
    row = task_row(db, claim.run_id, "pay")
    assert (row.status, row.output, row.attempt_count) == ("COMPLETED", {"paid": True}, 1)
    assert claim.reply("SUCCESS", output=1) == "SUCCESS"


def test_the_tasks_around_it_are_stored_with_it(db: Database, app: Database, builders: Builders) -> None:
    claim = builders.claim()
    outer = task("outer", status="RUNNING")
    inner = task("pay", status="COMPLETED", output="\0", parentKey=outer["idempotencyKey"])
    with app.connection.transaction():
        begin(app, claim)
        end(app, claim, outer, inner)
    assert task_statuses(db, claim.run_id) == {"outer": "RUNNING", "pay": "COMPLETED"}
    assert task_row(db, claim.run_id, "pay").parent_id == task_row(db, claim.run_id, "outer").id


def test_a_task_that_was_announced_or_tried_before_is_ended(
    db: Database, app: Database, builders: Builders
) -> None:
    claim = builders.claim()
    claim.stored(task("pay", status="RUNNING"))
    with app.connection.transaction():
        begin(app, claim)
        end(app, claim, task("pay", status="ERRORED", error={"message": "no"}))
    assert task_statuses(db, claim.run_id) == {"pay": "ERRORED"}


@pytest.mark.parametrize("function", [begin, end])
def test_who_may_not_write_is_refused_with_the_reason(
    db: Database, app: Database, builders: Builders, function: Any
) -> None:
    claim = builders.claim()

    def attempt(**changed: Any) -> None:
        with app.connection.transaction(force_rollback=True):
            if function is end:
                begin(app, claim)
            function(app, claim, **changed)

    if function is begin:  # end_task comes after begin_task for the same run
        with refused("JQ001", "there is no run"):
            attempt(run_id=str(uuid4()))
    with refused("JQ001", "there is no run"):
        attempt(environment_id=str(uuid4()))
    with refused("JQ005", "lease 7 of run"):
        attempt(lease_number=7)
    with refused("JQ010"):
        attempt(lease_number=None)
    claim.reply("ERROR", error={"message": "no"})
    with pytest.raises(psycopg.DatabaseError) as caught:
        attempt()
    assert caught.value.sqlstate == "JQ003"
    assert task_statuses(db, claim.run_id) == {}


def test_a_lease_that_is_lost_between_the_two_undoes_the_work(
    db: Database, app: Database, builders: Builders
) -> None:
    claim = builders.claim()
    app.execute("begin")
    begin(app, claim)
    claim.apply("LEASE_EXPIRED")
    with refused("JQ005"):
        end(app, claim)
    app.execute("rollback")


def test_what_has_ended_is_not_begun_again(app: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.stored(task("pay", status="COMPLETED"))
    with refused("JQ002", "has ended already"), app.connection.transaction():
        begin(app, claim)


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_the_second_execution_waits_for_the_first_one(
    db: Database, app: Database, other: Database, builders: Builders, clock: Clock, outcome: str
) -> None:
    claim = builders.claim()
    app.execute("begin")
    begin(app, claim)
    end(app, claim)
    claim.apply("LEASE_EXPIRED")
    clock.advance(timedelta(minutes=5))
    db.call("promote_due")
    (again,) = builders.claims()
    with refused("JQ002") if outcome == "commit" else nullcontext(), other.connection.transaction():
        blocked_until(app, outcome, (other, lambda: begin(other, again)))
        end(other, again)
    assert task_statuses(db, claim.run_id) == {"pay": "COMPLETED"}


def test_other_tasks_and_other_calls_do_not_wait(
    db: Database, app: Database, other: Database, builders: Builders
) -> None:
    claim = builders.claim()
    app.execute("begin")
    begin(app, claim)
    begin(other, claim, "another")
    # The run is moved, its task announced, and it is cancelled, while an app takes its time.
    claim.stored(task("pay", status="RUNNING"))
    other.call("cancel_run", claim.body["environment"]["id"], claim.run_id)
    with refused("JQ003"):
        end(app, claim)
    app.execute("rollback")


@pytest.mark.parametrize("interruption", ["commit; begin", "rollback; begin"])
def test_who_commits_in_between_is_told(
    db: Database, app: Database, builders: Builders, interruption: str
) -> None:
    claim = builders.claim()
    app.execute("begin")
    begin(app, claim)
    app.execute(interruption)
    with refused("JQ010", "was not begun in this transaction"):
        end(app, claim)
    app.execute("rollback")
    app.execute("begin")
    begin(app, claim, "another")
    with refused("JQ010", "was not begun in this transaction"):
        end(app, claim)
    app.execute("rollback")
    assert task_statuses(db, claim.run_id) == {}


def test_a_savepoint_in_between_may_be_rolled_back(db: Database, app: Database, builders: Builders) -> None:
    claim = builders.claim()
    with app.connection.transaction():
        begin(app, claim)
        with app.connection.transaction(force_rollback=True):
            app.execute("select 1")
        end(app, claim)
    assert task_statuses(db, claim.run_id) == {"pay": "COMPLETED"}


@pytest.mark.parametrize("tasks", [[], {}, None, ["text"], [{"idempotencyKey": ""}]])
def test_what_is_no_list_of_tasks_is_refused(app: Database, builders: Builders, tasks: Any) -> None:
    claim = builders.claim()
    with refused("JQ010"), app.connection.transaction():
        begin(app, claim)
        end(app, claim, tasks=tasks)


def test_a_key_is_found_by_its_hash_until_revoked(db: Database, app: Database, builders: Builders) -> None:
    environment = builders.environment()
    public = db.call("create_api_key", environment.id, "PUBLIC")

    def find(key: str) -> Any:
        return app.value("select perdure.environment_of_key(sha256(convert_to(%s, 'UTF8')))", key)

    assert find(environment.key) == environment.id
    for unknown in (public, "tr_dev_unknown"):
        with refused("JQ001", "no such secret key"):
            find(unknown)
    db.call("revoke_api_key", environment.key)
    with refused("JQ001", "revoked"):
        find(environment.key)
