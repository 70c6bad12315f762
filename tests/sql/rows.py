"""Look at rows as they are stored: what the API does not show."""

import json
from typing import Any

from tests.support.database import Database

INSTANT = r"20\d\d-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00)"
"""An instant as it is stored or told: instants of calls that are compared differ."""

_SENTINEL = "nothing before this"  # sent last: what was told before has come by then


def run_row(db: Database, run_id: str) -> Any:
    """A row of runs; its output as text, so that JSON null and none are told apart."""
    (row,) = db.rows(
        "select r.*, r.output::text as output_text from perdure.runs as r where r.id = %s", run_id
    )
    return row


def body_of(claim: Any) -> Any:
    """The body of EXECUTE_JOB that a claim brought."""
    return json.loads(claim.body)


def task_row(db: Database, run_id: str, key: str) -> Any:
    """A row of tasks by display key; its output as text."""
    (row,) = db.rows(
        """
        select t.*, t.output::text as output_text from perdure.tasks as t
        where t.run_id = %s and t.display_key = %s
        """,
        run_id,
        key,
    )
    return row


def task_statuses(db: Database, run_id: str) -> dict[str, str]:
    """Display key -> status of each task of a run, in the order of their ids."""
    rows = db.rows("select display_key, status from perdure.tasks where run_id = %s order by id", run_id)
    return {row.display_key: row.status for row in rows}


def attempts(db: Database, task_id: str) -> list[Any]:
    """The failed attempts of a task."""
    return db.rows("select * from perdure.task_attempts where task_id = %s order by number", task_id)


def executions(db: Database, run_id: str) -> list[Any]:
    """The executions of a run that have ended."""
    return db.rows(
        "select * from perdure_views.executions where run_id = %s and ended_at is not null"
        " order by lease_number",
        run_id,
    )


def dead_letters(db: Database) -> dict[str, str]:
    """Run -> reason."""
    return {row.run_id: row.reason for row in db.rows("select * from perdure.dead_letters")}


def leased(db: Database) -> list[str]:
    """Runs with a lease."""
    return [row.run_id for row in db.rows("select run_id from perdure.leases order by run_id")]


def queued(db: Database) -> list[str]:
    """Runs in the queue, oldest message first."""
    rows = db.rows("select message ->> 'run_id' as run_id from pgmq.q_perdure_ready_runs order by msg_id")
    return [row.run_id for row in rows]


def payloads(db: Database, listener: Database) -> list[str]:
    """What a connection that listens to ``perdure_ready`` was told since the last look."""
    db.rows("select pg_notify('perdure_ready', %s)", _SENTINEL)
    heard = []
    for message in listener.connection.notifies(timeout=10):
        if message.payload == _SENTINEL:
            return heard
        heard.append(message.payload)
    raise AssertionError("the last notification did not come")


def snapshot(db: Database) -> dict[str, list[str]]:
    """Every row of every table of ours and of the queues, to show that a call changed nothing."""
    tables = db.rows(
        """
        select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname = 'perdure' or schemaname = 'pgmq' and tablename like 'q_perdure_%'
        """
    )
    return {
        table.name: sorted(
            json.dumps(row.row, sort_keys=True)
            for row in db.rows(f"select row_to_json(t) as row from {table.name} as t")
        )
        for table in tables
    }
