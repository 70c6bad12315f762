"""The views of the database, which tell what the API does not: executions, waits, attempts."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

from perdure_engine.errors import translated
from perdure_server.cli.run_view import ExecutionView, RunView, TaskView

_ROLE = "perdure_readonly"
_RUN = """
select job, version, event as event_id, event_name, status, output, created_at, started_at, completed_at
from perdure_views.runs where id = %s
"""
_TASKS = """
select
    id, parent_id, name, display_key as key, status, started_at, completed_at, output, delay_until,
    attempt_count, description
from perdure_views.tasks where run_id = %s order by id
"""
_EXECUTIONS = """
select
    lease_number as number, dispatcher, claimed_at, ended_at, duration_ms, verdict, reply_status, http_status,
    message
from perdure_views.executions where run_id = %s order by lease_number
"""


class Views:
    """A connection that may read the views and nothing else. Use it in ``with``.

    Args:
        url: the database, as a login that may act as perdure_readonly.
    Raises:
        DatabaseUnavailable: it does not answer.
        psycopg.Error: the login may not act so, or the database is not Perdure's.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = self._connect()

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """All rows of a query, by column.

        Raises:
            DatabaseUnavailable: the connection is lost; ``reconnect`` makes another.
        """
        with translated():
            return self._connection.execute(query.encode(), parameters or None).fetchall()

    def find_run(self, run_id: str) -> RunView | None:
        """A run with all that is known of it, as it was at one instant; None: it is unknown here."""
        with translated(), self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            run = next(iter(self.rows(_RUN, run_id)), None)
            tasks = self.rows(_TASKS, run_id)
            executions = self.executions(run_id)
        if run is None:
            return None
        return RunView(
            id=run_id,
            tasks=_tree(tasks, None),
            executions=[ExecutionView(**execution) for execution in executions],
            **run,
        )

    def executions(self, run_id: str) -> list[dict[str, Any]]:
        """A run's executions in order."""
        return self.rows(_EXECUTIONS, run_id)

    def reconnect(self) -> None:
        """Connect anew, after the connection was lost."""
        self.close()
        self._connection = self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        with translated():
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=5,
                application_name="perdure command",
            )
            connection.adapters.register_loader("uuid", TextLoader)
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(_ROLE)))
            return connection


def _tree(rows: list[dict[str, Any]], parent_id: str | None) -> list[TaskView]:
    return [
        TaskView(
            subtasks=_tree(rows, row["id"]),
            **{name: value for name, value in row.items() if name != "parent_id"},
        )
        for row in rows
        if row["parent_id"] == parent_id
    ]
