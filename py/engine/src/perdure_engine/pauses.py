"""Pauses: one call for each SQL function of the concept. Job and queue ids are the app's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Pause:
    """What is not executed for now."""

    scope: str
    """``JOB``, ``QUEUE``, ``ENVIRONMENT`` or ``EVERYTHING``."""
    job: str | None
    queue: str | None
    paused_at: datetime
    paused_by: str | None
    """Who, for people; ``None``: not said."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """A concurrency limit that jobs share, as it stands."""

    name: str
    max_executions: int
    jobs: list[str]
    executing: int
    waiting: int
    """Runs that are kept back; 1,001 stands for more than 1,000."""
    is_paused: bool


async def list_queues(conn: Connection, environment_id: str) -> Sequence[Queue]:
    """The queues of an environment, by name."""
    return await fetch_rows(
        conn,
        Queue,
        """
        select q.queue, q.max_executions, q.jobs, q.executing, q.waiting, q.is_paused
        from perdure.list_queues(%s) as q
        """,
        [environment_id],
    )


async def list_pauses(conn: Connection, environment_id: str) -> Sequence[Pause]:
    """The pauses that stop something of an environment, the widest first.

    Args:
        conn: as a role that reads the views.
        environment_id: which one; pauses of everything count.
    """
    return await fetch_rows(
        conn,
        Pause,
        """
        select z.scope, z.job, z.queue, z.paused_at, z.paused_by, z.reason
        from perdure_views.pauses as z
        where z.environment_id = %s or z.environment_id is null
        order by array_position('{EVERYTHING,ENVIRONMENT,QUEUE,JOB}', z.scope), z.paused_at
        """,
        [environment_id],
    )


async def pause_job(
    conn: Connection, environment_id: str, job: str, paused_by: str | None = None, reason: str | None = None
) -> bytes:
    """Execute no run of a job for now; returns ``{pausedAt, pausedBy?, reason?}``.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the job is.
        job: its id.
        paused_by: who pauses it, for people.
        reason: why, for people.
    Raises:
        NotFound: the environment has no such job.
    """
    pause: bytes = await fetch_value(
        conn, "select perdure.pause_job(%s, %s, %s, %s)", [environment_id, job, paused_by, reason]
    )
    return pause


async def resume_job(conn: Connection, environment_id: str, job: str) -> int | None:
    """Execute the runs of a job again; returns how many were waiting, ``None``: it was not paused.

    Raises:
        NotFound: the environment has no such job.
    """
    waiting: int | None = await fetch_value(conn, "select perdure.resume_job(%s, %s)", [environment_id, job])
    return waiting


async def pause_queue(
    conn: Connection, environment_id: str, queue: str, paused_by: str | None = None, reason: str | None = None
) -> bytes:
    """Execute no run of the jobs that share a limit for now; otherwise as ``pause_job``.

    Raises:
        NotFound: the environment has no such queue.
    """
    pause: bytes = await fetch_value(
        conn, "select perdure.pause_queue(%s, %s, %s, %s)", [environment_id, queue, paused_by, reason]
    )
    return pause


async def resume_queue(conn: Connection, environment_id: str, queue: str) -> int | None:
    """Execute the runs of a queue again; returns how many were waiting, ``None``: it was not paused.

    Raises:
        NotFound: the environment has no such queue.
    """
    waiting: int | None = await fetch_value(
        conn, "select perdure.resume_queue(%s, %s)", [environment_id, queue]
    )
    return waiting


async def pause_environment(
    conn: Connection, environment_id: str, paused_by: str | None = None, reason: str | None = None
) -> bytes:
    """Execute nothing of an environment for now; otherwise as ``pause_job``.

    Raises:
        NotFound: there is no such environment.
    """
    pause: bytes = await fetch_value(
        conn, "select perdure.pause_environment(%s, %s, %s)", [environment_id, paused_by, reason]
    )
    return pause


async def resume_environment(conn: Connection, environment_id: str) -> int | None:
    """Execute the runs of an environment again; returns how many were waiting, ``None``: it was not paused.

    Raises:
        NotFound: there is no such environment.
    """
    waiting: int | None = await fetch_value(conn, "select perdure.resume_environment(%s)", [environment_id])
    return waiting
