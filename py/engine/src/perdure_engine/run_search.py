"""Finding runs by a filter: one call for each SQL function."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .driver import Connection


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run in a list."""

    id: str
    status: str
    job: str
    job_name: str
    version: str
    event_id: str
    event_name: str
    is_test: bool
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int
    """Of all executions together."""
    tags: list[str]
    error: str | None
    """Why it has failed."""


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """A page of runs, and how far the search went."""

    runs: list[FoundRun]
    looked_at: int
    """How many runs this search looked at."""
    next_cursor: str | None
    """Where the next page begins; ``None``: there are no further runs."""
    searched_to: datetime | None
    """Further runs are older than this; ``None``: there are none."""


@dataclass(frozen=True, slots=True)
class HistogramSpan:
    """How many runs were created in a span of time, by how they stand."""

    starts_at: datetime
    ends_at: datetime
    succeeded: int
    failed: int
    canceled: int
    open: int
    is_exact: bool
    """Counted; otherwise estimated from a sample."""


async def find_runs(
    conn: Connection, environment_id: str, filter: bytes, *, cursor: str | None = None, take: int = 50
) -> FoundRuns:
    """A page of runs, newest first.

    Where few runs pass, the page may be short or empty although there are further ones: ``next_cursor`` says.

    Args:
        conn: a connection of the server or an app.
        environment_id: whose runs.
        filter: ``{status?, job?, version?, from?, to?, tags?, text?, isTest?, fingerprint?}``.
        cursor: ``next_cursor`` of the page before.
        take: most runs in the page.
    Raises:
        InvalidArgument: names the member of ``filter``.
    """
    page = json.loads(
        await fetch_value(
            conn,
            "select perdure.find_runs(%s, %s::json::jsonb, %s, %s)",
            [environment_id, Json(filter), cursor, take],
        )
    )
    return FoundRuns(
        [_run(run) for run in page["runs"]],
        page["lookedAt"],
        page.get("nextCursor"),
        _instant(page.get("searchedTo")),
    )


async def find_oldest_run_at(conn: Connection, environment_id: str) -> datetime | None:
    """When the oldest run of an environment was created; ``None``: there is none."""
    rows: list[datetime] = await fetch_rows(
        conn,
        lambda created_at: created_at,
        "select created_at from perdure_views.runs where environment_id = %s order by id limit 1",
        [environment_id],
    )
    return rows[0] if rows else None


async def list_job_slugs(conn: Connection, environment_id: str, *, limit: int = 200) -> list[str]:
    """The ids of an environment's jobs, in their order, internal ones aside."""
    return await fetch_rows(
        conn,
        str,
        "select slug from perdure_views.jobs where environment_id = %s and not internal"
        " order by slug limit %s",
        [environment_id, limit],
    )


async def run_histogram(
    conn: Connection, environment_id: str, filter: bytes, *, buckets: int = 48
) -> list[HistogramSpan]:
    """When the runs that pass a filter were created, oldest first, in the last 24 hours unless it says.

    Args:
        conn: a connection of the server.
        environment_id: whose runs.
        filter: as of ``find_runs``.
        buckets: how many spans of time, 1 to 200.
    Raises:
        InvalidArgument: names the member of ``filter``; or it ends before it begins.
    """
    return await fetch_rows(
        conn,
        HistogramSpan,
        "select starts_at, ends_at, succeeded, failed, canceled, open, is_exact"
        " from perdure.run_histogram(%s, %s::json::jsonb, %s)",
        [environment_id, Json(filter), buckets],
    )


def _run(run: dict[str, Any]) -> FoundRun:
    return FoundRun(
        id=run["id"],
        status=run["status"],
        job=run["job"]["id"],
        job_name=run["job"]["name"],
        version=run["job"]["version"],
        event_id=run["event"]["id"],
        event_name=run["event"]["name"],
        is_test=run["isTest"],
        created_at=datetime.fromisoformat(run["createdAt"]),
        started_at=_instant(run["startedAt"]),
        completed_at=_instant(run["completedAt"]),
        duration_ms=run["durationMs"],
        tags=run["tags"],
        error=run["error"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
