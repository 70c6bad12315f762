"""What an environment does and what needs somebody: one call for each SQL function of the concept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ._call import fetch_rows
from .pool import Connection


@dataclass(frozen=True, slots=True)
class RunRate:
    """The runs that began in one part of a time."""

    began_at: datetime
    runs: int
    succeeded: int
    failed: int
    cancelled: int
    unfinished: int
    sampled: bool
    """These are estimates."""
    wait_p50_ms: float | None
    """From a run's creation to its first execution; ``None``: none was executed."""
    wait_p95_ms: float | None
    duration_p50_ms: float | None
    """From the first execution to the end."""
    duration_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Work:
    """What an environment has to do just now; of what is capped there may be more."""

    ready: int
    ready_capped: bool
    ready_since: datetime | None
    """Since when the first of them waits to be claimed."""
    executing: int
    executing_capped: bool
    held_back: int
    """By a concurrency limit."""
    paused: int
    blocked_capped: bool
    """Of both, what is held back and what is paused."""
    sleeping: int
    """Until an instant."""
    sleeping_capped: bool


@dataclass(frozen=True, slots=True)
class Attention:
    """One kind of thing that somebody should look at."""

    kind: str
    number: int
    """101 stands for more than 100."""
    name: str | None
    """Of one of them."""
    detail: str | None
    since: datetime | None


async def list_run_rates(
    conn: Connection, environment_id: str, *, window: timedelta, bucket: timedelta
) -> list[RunRate]:
    """How many runs began in each part of a time until now, and what became of them; oldest first.

    Args:
        conn: as ``perdure_server``.
        environment_id: whose.
        window: how long that time is.
        bucket: how long a part of it is.
    """
    return await fetch_rows(
        conn,
        RunRate,
        "select began_at, runs, succeeded, failed, cancelled, unfinished, sampled, wait_p50_ms, wait_p95_ms,"
        " duration_p50_ms, duration_p95_ms from perdure.list_run_rates(%s, %s, %s)",
        [environment_id, window, bucket],
    )


async def count_work(conn: Connection, environment_id: str) -> Work:
    """What an environment has to do just now."""
    rows = await fetch_rows(
        conn,
        Work,
        "select ready, ready_capped, ready_since, executing, executing_capped, held_back, paused,"
        " blocked_capped, sleeping, sleeping_capped from perdure.count_work(%s)",
        [environment_id],
    )
    return rows[0]


async def list_attention(conn: Connection, environment_id: str) -> list[Attention]:
    """What somebody should look at."""
    return await fetch_rows(
        conn,
        Attention,
        "select kind, number, name, detail, since from perdure.list_attention(%s) order by kind",
        [environment_id],
    )
