"""Failures of runs, those that look alike together, and dead letters: one call for each SQL function."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection

COUNTED = 10_000
"""More failures of one kind are not counted."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """One kind of failures: its newest one, and how often and when it was."""

    fingerprint: str
    job: str
    status: str
    error_name: str | None
    """As the app names it; ``None``: the app told of no error."""
    message: str
    task_key: str | None
    """The task whose error it is; ``None``: no task's."""
    last_run_id: str
    failures: int
    """Within the time asked for; one more than ``COUNTED`` stands for all above."""
    first_seen_at: datetime
    last_seen_at: datetime | None
    """``None``: none within the time asked for."""
    buckets: list[int] | None
    """How many in each part of that time; ``None``: without one."""


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """One kind of failures, with what the app said of the newest."""

    group: FailureGroup
    error: bytes | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed."""

    run_id: str
    status: str
    failed_at: datetime
    message: str


async def list_failure_groups(
    conn: Connection,
    environment_id: str,
    *,
    job: str | None = None,
    window: timedelta | None = None,
    bucket: timedelta = timedelta(hours=1),
    before: str | None = None,
    limit: int = 25,
) -> list[FailureGroup]:
    """The kinds of failures of an environment, the newest first.

    Args:
        conn: any connection.
        environment_id: whose.
        job: only this job's, a slug.
        window: only those seen in this time until now, and counted in it.
        bucket: how long each part of it is.
        before: ``last_run_id`` of the last one of the page before.
        limit: how many.
    """
    return await fetch_rows(
        conn,
        FailureGroup,
        "select fingerprint, job, status, error_name, message, task_key, last_run_id, failures,"
        " first_seen_at, last_seen_at, buckets from perdure.list_failure_groups(%s, %s, %s, %s, %s, %s)",
        [environment_id, job, window, bucket, before, limit],
    )


async def get_failure_group(
    conn: Connection, environment_id: str, fingerprint: str, *, window: timedelta, bucket: timedelta
) -> FailureDetail | None:
    """One kind of failures; ``None``: there is none like that."""

    def detail(error: Json | None, *group: object) -> FailureDetail:
        return FailureDetail(FailureGroup(*group), error)  # type: ignore[arg-type]

    rows = await fetch_rows(
        conn,
        detail,
        "select error, fingerprint, job, status, error_name, message, task_key, last_run_id, failures,"
        " first_seen_at, last_seen_at, buckets from perdure.get_failure_group(%s, %s, %s, %s)",
        [environment_id, fingerprint, window, bucket],
    )
    return rows[0] if rows else None


async def list_failures(
    conn: Connection, environment_id: str, fingerprint: str, *, before: str | None = None, limit: int = 25
) -> list[Failure]:
    """The failed runs of one kind, newest first; ``before``: the last run of the page before."""
    return await fetch_rows(
        conn,
        Failure,
        "select run_id, status, failed_at, message from perdure_views.run_failures"
        " where environment_id = %s and fingerprint = %s and (%s::uuid is null or run_id < %s)"
        " order by run_id desc limit %s",
        [environment_id, fingerprint, before, before, limit],
    )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A run that failed because nobody could execute it."""

    run_id: str
    job: str
    reason: str
    created_at: datetime


async def list_dead_letters(
    conn: Connection, environment_id: str, *, before: str | None = None, limit: int = 25
) -> list[DeadLetter]:
    """Runs that nobody could execute, newest first; ``before``: the last run of the page before."""
    return await fetch_rows(
        conn,
        DeadLetter,
        "select run_id, job, reason, created_at from perdure_views.dead_letters"
        " where environment_id = %s and (%s::uuid is null or run_id < %s) order by run_id desc limit %s",
        [environment_id, before, before, limit],
    )


async def redrive_dead_letters(conn: Connection, environment_id: str, limit: int) -> int:
    """Let those runs go on, the oldest first, ``limit`` at most; returns how many."""
    count: int = await fetch_value(
        conn, "select perdure.redrive_dead_letters(%s, %s)", [environment_id, limit]
    )
    return count
