"""The state machine of runs: every pair of statuses against a table from the protocol's section 12."""

import re
from itertools import product

import psycopg
import pytest

from tests.support.database import Database

FINAL = {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}
OPEN = {
    "PENDING",
    "WAITING_ON_CONNECTIONS",
    "QUEUED",
    "EXECUTING",
    "WAITING_TO_CONTINUE",
    "WAITING_TO_EXECUTE",
    "PREPROCESSING",
    "STARTED",
}
LEGAL = {
    ("PENDING", "WAITING_ON_CONNECTIONS"),
    ("PENDING", "QUEUED"),
    ("WAITING_ON_CONNECTIONS", "QUEUED"),
    ("QUEUED", "EXECUTING"),
    *(("EXECUTING", status) for status in FINAL),
    ("EXECUTING", "WAITING_TO_CONTINUE"),
    ("EXECUTING", "WAITING_TO_EXECUTE"),
    ("WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE"),
    ("WAITING_TO_EXECUTE", "EXECUTING"),
    # looked at before each execution (section 3.4): out of time, job disabled
    *product(("QUEUED", "WAITING_TO_EXECUTE"), ("TIMED_OUT", "ABORTED")),
    # the time that its job allows is over
    *((status, "TIMED_OUT") for status in ("PENDING", "WAITING_ON_CONNECTIONS", "WAITING_TO_CONTINUE")),
    # any that is not final may be cancelled
    *((status, "CANCELED") for status in OPEN),
    # continued by a person
    *((status, "QUEUED") for status in FINAL - {"SUCCESS"}),
}


def insert_run(db: Database, status: str) -> str:
    run_id: str = db.value(
        """
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at,
            completed_at, updated_at
        )
        select n.id, n.id, n.id, n.id, n.id, n.id, %s, false, now(), case when %s then now() end, now()
        from (select perdure.new_id() as id) as n
        returning id
        """,
        status,
        status in FINAL,
    )
    return run_id


def becomes(db: Database, run_id: str, status: str) -> str | None:
    """Try the change; returns the SQLSTATE of the refusal."""
    try:
        db.execute(
            "update perdure.runs set status = %s, completed_at = case when %s then now() end where id = %s",
            status,
            status in FINAL,
            run_id,
        )
    except psycopg.DatabaseError as error:
        return error.sqlstate
    return None


def test_the_statuses_are_those_of_the_wire(pure_db: Database) -> None:
    known = pure_db.value(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'runs_status_known'"
    )
    assert set(re.findall(r"'(\w+)'", known)) == OPEN | FINAL
    with pytest.raises(psycopg.errors.CheckViolation):
        insert_run(pure_db, "UNHEARD_OF")


def test_every_change_of_status_is_made_or_refused_as_the_protocol_has_it(pure_db: Database) -> None:
    wrong = []
    for before, after in product(sorted(OPEN | FINAL), repeat=2):
        expected = None if before == after or (before, after) in LEGAL else "JQ002"
        found = becomes(pure_db, insert_run(pure_db, before), after)
        if found != expected:
            wrong.append((before, after, found))
    assert wrong == []


def test_a_refusal_names_both_statuses_and_the_run(pure_db: Database) -> None:
    run_id = insert_run(pure_db, "SUCCESS")
    with pytest.raises(psycopg.DatabaseError, match="a run in status SUCCESS cannot become QUEUED") as caught:
        pure_db.execute(
            "update perdure.runs set status = 'QUEUED', completed_at = null where id = %s", run_id
        )
    assert caught.value.diag.message_detail == f"run {run_id}"


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_run_has_an_end(pure_db: Database, status: str) -> None:
    run_id = insert_run(pure_db, status)
    with pytest.raises(psycopg.errors.CheckViolation):
        pure_db.execute("update perdure.runs set completed_at = null where id = %s", run_id)


def test_is_final_agrees(pure_db: Database) -> None:
    found = {status: pure_db.value("select perdure._is_final(%s)", status) for status in OPEN | FINAL}
    assert {status for status, final in found.items() if final} == FINAL
