"""What went wrong behind the developer's back: failed runs of internal jobs, which no list of runs shows."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import psycopg

from perdure_engine.errors import PerdureError
from perdure_server.cli.views import Views

_INTERVAL_S = 2.0
_FAILED = """
select r.id, r.job, r.status, r.output ->> 'message' as message
from perdure_views.runs as r
inner join perdure_views.environments as e on e.id = r.environment_id
where
    r.internal and r.status not in ('SUCCESS', 'CANCELED') and r.completed_at is not null
    and e.project = %s and e.slug = 'dev'
order by r.id desc
limit 20
"""


class InternalFailures:
    """The failed registrations of webhooks in a project's development environment. Use it in ``with``.

    Where the database cannot be read, such as with a login that lacks ``perdure_readonly``, it finds none.

    Args:
        database_url: the database.
        project: the project's slug.
    """

    def __init__(self, database_url: str, project: str) -> None:
        self._url = database_url
        self._project = project
        self._views: Views | None = None
        self._told: set[str] = set()
        self._next = 0.0

    def new(self) -> list[str]:
        """A line for each that failed since the last call; looks every other second only."""
        if time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + _INTERVAL_S
        found = [row for row in reversed(self._rows()) if row["id"] not in self._told]
        self._told.update(row["id"] for row in found)
        return [
            f"{row['job']} could not be registered: {row['message'] or row['status']}\n"
            f"perdure dev: for more: perdure runs get {row['id']}"
            for row in found
        ]

    def __enter__(self) -> Self:
        self._told.update(row["id"] for row in self._rows())  # those of an earlier session
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _rows(self) -> list[dict[str, Any]]:
        try:
            if self._views is None:
                self._views = Views(self._url)
            return self._views.rows(_FAILED, self._project)
        except (PerdureError, psycopg.Error):
            self._close()  # Postgres may have been started anew; the next look connects again
            return []

    def _close(self) -> None:
        if self._views is not None:
            self._views.close()
            self._views = None
