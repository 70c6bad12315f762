"""Tasks: one call for each SQL function of the concept. JSON is in wire shape.

``upsert_tasks`` and ``finish_tasks`` take many callers' calls at once: put them behind a ``GroupCommit``,
with ``store_task`` for one that is alone.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from ._call import fetch_value
from .adapters import Json, boolean, json_array
from .driver import Connection, Database, Statement
from .errors import PerdureError, error_for


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of one call among many: a ServerTask or an error."""

    ordinal: int
    """The call's place in the request, from 1."""
    error_code: str | None
    error_message: str | None
    response: bytes | None

    @property
    def result(self) -> bytes | PerdureError:
        """The ServerTask, or the exception that this call deserves."""
        if self.error_code is not None:
            return error_for(self.error_code, self.error_message or "")
        if self.response is None:
            return PerdureError("the database answered neither a task nor an error")
        return self.response


_UPSERT_TASKS = Statement(
    "upsert_tasks",
    "select ordinal, error_code, error_message, response from perdure.upsert_tasks($1, $2)",
    TaskOutcome,
)
_STORE_TASK = Statement(
    "store_task",
    "select 1 where perdure.store_task($1, $2, $3, $4, $5, $6, $7, $8)",
    lambda _: b"null",
)
_FINISH_TASKS = Statement(
    "finish_tasks",
    "select ordinal, error_code, error_message, response from perdure.finish_tasks($1)",
    TaskOutcome,
)


def upsert_tasks(db: Database, calls: Sequence[bytes], minimal: bool = False) -> Awaitable[list[TaskOutcome]]:
    """Store or find tasks; a call that fails does so alone, the others are carried out in one transaction.

    Args:
        db: a connection or a pool of the server.
        calls: valid JSON each: ``{environmentId, runId, leaseNumber?, task}``.
        minimal: the text ``null`` will do for a task that was new and has ended as its call says.
    Returns: an outcome for each call, in their order; with ``minimal`` none at all if all would be ``null``.
    """
    return db.call(_UPSERT_TASKS, json_array(calls), boolean(minimal))


def store_task(
    db: Database,
    environment_id: str,
    run_id: str,
    lease_number: bytes,
    idempotency_key: bytes,
    name: bytes,
    display_key: bytes,
    output: bytes | None,
    started_at: bytes,
) -> Awaitable[list[bytes]]:
    """Create a lone task that is done: a shorter way than ``upsert_tasks``, to which all else is left.

    Args:
        db: a connection or a pool of the server.
        environment_id: where the run is.
        run_id: which run.
        lease_number: of the execution, in digits.
        idempotency_key: of the task.
        name: shown.
        display_key: shown.
        output: JSON; ``None``: it returned nothing.
        started_at: an instant.
    Returns: the text ``null``; nothing when it exists, or may not be stored, and nothing was done.
    Raises:
        psycopg.Error: an argument cannot be stored; nothing was done.
    """
    return db.call(
        _STORE_TASK,
        environment_id,
        run_id,
        lease_number,
        idempotency_key,
        name,
        display_key,
        output,
        started_at,
    )


def finish_tasks(db: Database, calls: Sequence[bytes]) -> Awaitable[list[TaskOutcome]]:
    """Record how tasks ended; a call that fails does so alone, the others are carried out in one transaction.

    Args:
        db: a connection or a pool of the server.
        calls: valid JSON each: ``{environmentId, runId, taskId, leaseNumber?, status, output?, error?,
            properties?, description?, params?}``.
    Returns: an outcome for each call, in their order.
    """
    return db.call(_FINISH_TASKS, json_array(calls))


async def get_cached_tasks(conn: Connection, environment_id: str, run_id: str, cursor: str) -> bytes:
    """The tasks of a run from ``cursor`` on: ``{tasks, cursor?}``, the page after what EXECUTE_JOB carried.

    Raises:
        NotFound: the environment has no such run.
    """
    tasks: bytes = await fetch_value(
        conn, "select perdure.get_cached_tasks(%s, %s, %s)", [environment_id, run_id, cursor]
    )
    return tasks


async def complete_callback(conn: Connection, task_id: str, secret: str, body: bytes | None) -> bytes:
    """End a task that waits for a call from outside; returns ``{success: true}``, also when it is too late.

    Args:
        conn: a connection of the server.
        task_id: from the callback's URL.
        secret: from there, too.
        body: any JSON, the task's output; ``None``: it has none.
    Raises:
        NotFound: there is no such callback.
    """
    answer: bytes = await fetch_value(
        conn,
        "select perdure.complete_callback(%s, %s, %s)",
        [task_id, secret, None if body is None else Json(body)],
    )
    return answer


async def set_task_output(
    conn: Connection, environment_id: str, run_id: str, task_id: str, output: bytes | None
) -> bytes:
    """Give an ended task of a run that is not being executed another result; returns the task.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run must be.
        run_id: which run.
        task_id: a task of it.
        output: JSON; ``None``: it returns nothing.
    Raises:
        NotFound: the environment has no such run, or the run no such task.
        WrongState: the run is executed or about to be, or the task has not ended.
    """
    task: bytes = await fetch_value(
        conn,
        "select perdure.set_task_output(%s, %s, %s, %s)",
        [environment_id, run_id, task_id, None if output is None else Json(output)],
    )
    return task
