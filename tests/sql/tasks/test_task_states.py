"""The state machine of tasks: every pair of statuses against a table from the protocol's section 12."""

import re
from itertools import product

import psycopg
import pytest

from tests.support.database import Database

FINAL = {"COMPLETED", "ERRORED", "CANCELED"}
OPEN = {"PENDING", "RUNNING", "WAITING"}
LEGAL = {
    ("WAITING", "RUNNING"),  # its time has come
    ("WAITING", "COMPLETED"),  # likewise, a pure wait
    ("WAITING", "ERRORED"),
    ("RUNNING", "COMPLETED"),
    ("RUNNING", "ERRORED"),
    ("RUNNING", "WAITING"),  # to be tried again
    *(("PENDING", status) for status in ("RUNNING", "WAITING", "COMPLETED", "ERRORED")),
    # its run ended
    *product(OPEN, ("CANCELED", "ERRORED")),
    # its run is continued: a failed one is tried again, a cancelled one is as if new (section 4.2)
    ("ERRORED", "RUNNING"),
    *(("CANCELED", status) for status in ("RUNNING", "WAITING", "COMPLETED", "ERRORED")),
}


def insert_task(db: Database, status: str) -> str:
    task_id: str = db.value(
        """
        insert into perdure.tasks (
            id, run_id, idempotency_key, status, noop, name, started_at, completed_at, created_at, updated_at
        )
        select n.id, n.id, 'key', %s, false, 'Task', now(), case when %s then now() end, now(), now()
        from (select perdure.new_id() as id) as n
        returning id
        """,
        status,
        status in FINAL,
    )
    return task_id


def becomes(db: Database, task_id: str, status: str) -> str | None:
    """Try the change; returns the SQLSTATE of the refusal."""
    try:
        db.execute(
            "update perdure.tasks set status = %s, completed_at = case when %s then now() end where id = %s",
            status,
            status in FINAL,
            task_id,
        )
    except psycopg.DatabaseError as error:
        return error.sqlstate
    return None


def test_the_statuses_are_those_of_the_wire(pure_db: Database) -> None:
    known = pure_db.value(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'tasks_status_known'"
    )
    assert set(re.findall(r"'(\w+)'", known)) == OPEN | FINAL


def test_every_change_of_status_is_made_or_refused_as_the_protocol_has_it(pure_db: Database) -> None:
    wrong = []
    for before, after in product(sorted(OPEN | FINAL), repeat=2):
        expected = None if before == after or (before, after) in LEGAL else "JQ002"
        found = becomes(pure_db, insert_task(pure_db, before), after)
        if found != expected:
            wrong.append((before, after, found))
    assert wrong == []


def test_a_refusal_names_both_statuses_and_the_task(pure_db: Database) -> None:
    task_id = insert_task(pure_db, "COMPLETED")
    with pytest.raises(
        psycopg.DatabaseError, match="a task in status COMPLETED cannot become RUNNING"
    ) as caught:
        pure_db.execute(
            "update perdure.tasks set status = 'RUNNING', completed_at = null where id = %s", task_id
        )
    assert f"task {task_id}" in (caught.value.diag.message_detail or "")


@pytest.mark.parametrize("status", sorted(FINAL | {"RUNNING", "PENDING"}))
def test_only_a_waiting_task_is_due(pure_db: Database, status: str) -> None:
    task_id = insert_task(pure_db, status)
    with pytest.raises(psycopg.errors.CheckViolation):
        pure_db.execute("update perdure.tasks set due_at = now() where id = %s", task_id)


def test_nothing_is_due_at_infinity(pure_db: Database) -> None:
    task_id = insert_task(pure_db, "WAITING")
    with pytest.raises(psycopg.errors.CheckViolation):
        pure_db.execute("update perdure.tasks set due_at = 'infinity' where id = %s", task_id)
