"""What people see of a run: facts, event, statuses, requests; read from views, which hide what is secret."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows
from .driver import Connection


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run."""

    id: str
    job: str
    job_id: str
    version: str
    internal: bool
    event: str
    event_name: str
    status: str
    output: bytes | None
    """Its result or error; ``None``: it returned nothing, or has not ended."""
    failed_task_id: str | None
    is_test: bool
    execution_count: int
    duration_ms: int
    waits_until: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    timeout_at: datetime | None
    properties: bytes | None
    tags: list[str]
    metadata: bytes
    now: datetime
    """The present, for what has not ended."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """The event that a run is for."""

    id: str
    source: str
    payload: bytes
    payload_type: str
    """``JSON``, or ``REQUEST``: an HTTP request, of which credentials are hidden."""
    context: bytes | None
    happened_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What a run tells of its progress."""

    key: str
    label: str
    state: str | None
    data: bytes | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Execution:
    """One EXECUTE_JOB request."""

    lease_number: int
    dispatcher: str
    claimed_at: datetime
    ended_at: datetime | None
    """``None``: it is under way."""
    duration_ms: int | None
    verdict: str | None
    reply_status: str | None
    http_status: int | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something went on."""

    begin: datetime
    end: datetime


async def get_run(conn: Connection, environment_id: str, run_id: str) -> RunFacts | None:
    """A run; ``None``: the environment has none with this id."""
    rows = await fetch_rows(
        conn,
        RunFacts,
        """
        select
            r.id, r.job, r.job_id, r.version, r.internal, r.event, r.event_name, r.status,
            case when f.run_id is null then r.output else f.error end, f.task_id, r.is_test,
            r.execution_count, r.duration_ms, r.waits_until, r.created_at, r.started_at, r.completed_at,
            r.timeout_at, r.properties, r.tags, r.metadata, perdure.clock()
        from perdure_views.runs as r
        left join perdure_views.run_failures as f on f.run_id = r.id
        where r.environment_id = %s and r.id = %s
        """,
        [environment_id, run_id],
    )
    return rows[0] if rows else None


async def get_event(conn: Connection, environment_id: str, event: str) -> RunEvent | None:
    """The event with this ``event_id``; ``None``: it is gone."""
    rows = await fetch_rows(
        conn,
        RunEvent,
        """
        select e.id, e.source, e.payload, e.payload_type, e.context, e.happened_at, e.delivered_at
        from perdure_views.events as e
        where e.environment_id = %s and e.event_id = %s
        """,
        [environment_id, event],
    )
    return rows[0] if rows else None


async def list_earlier_runs(
    conn: Connection, environment_id: str, job_id: str, run_id: str, limit: int = 1
) -> list[str]:
    """Ids of runs of a job before this one, the latest first."""
    return await fetch_rows(
        conn,
        str,
        """
        select r.id
        from perdure_views.runs as r
        where r.environment_id = %s and r.job_id = %s and r.id < %s
        order by r.id desc
        limit %s
        """,
        [environment_id, job_id, run_id, limit],
    )


async def list_statuses(conn: Connection, run_id: str) -> list[RunStatus]:
    """What a run tells of its progress, in the order in which it began to."""
    return await fetch_rows(
        conn,
        RunStatus,
        """
        select s.key, s.label, s.state, s.data, s.updated_at
        from perdure_views.run_statuses as s
        where s.run_id = %s
        order by s.created_at, s.key
        limit 100
        """,
        [run_id],
    )


async def list_executions(
    conn: Connection, run_id: str, *, after: int = 0, limit: int = 1000
) -> list[Execution]:
    """The requests of a run, oldest first, the one under way last.

    Args:
        conn: as a role that reads the views.
        run_id: whose.
        after: go on behind this lease number.
        limit: most requests.
    """
    return await fetch_rows(
        conn,
        Execution,
        """
        select
            x.lease_number, x.dispatcher, x.claimed_at, x.ended_at, x.duration_ms, x.verdict, x.reply_status,
            x.http_status, x.message
        from perdure_views.executions as x
        where x.run_id = %s and x.lease_number > %s
        order by x.lease_number
        limit %s
        """,
        [run_id, after, limit],
    )


async def list_busy_spans(conn: Connection, run_id: str, now: datetime, limit: int = 1000) -> list[Span]:
    """When tasks that the app performs were at work, what overlaps joined; ``now`` ends the open ones."""
    return await fetch_rows(
        conn,
        Span,
        """
        select lower(s.span), upper(s.span)
        from unnest((
            select range_agg(tstzrange(t.started_at, greatest(coalesce(t.completed_at, %s), t.started_at)))
            from perdure_views.tasks as t
            where
                t.run_id = %s
                and not t.noop and t.operation is null and t.effect is null and not t.has_callback
        )) as s (span)
        order by 1
        limit %s
        """,
        [now, run_id, limit],
    )


async def list_wake_times(conn: Connection, run_id: str, limit: int = 5000) -> list[datetime]:
    """The instants at which waits of a run ended, or new tries of tasks were due, oldest first."""
    return await fetch_rows(
        conn,
        _same,
        """
        select w.woken_at
        from (
            select t.completed_at as woken_at
            from perdure_views.tasks as t
            where
                t.run_id = %s and t.completed_at is not null and t.name <> 'log'
                and (t.noop or t.operation is not null or t.effect is not null or t.has_callback)
            union all
            select a.next_at
            from perdure_views.tasks as t
            inner join perdure_views.attempts as a on a.task_id = t.id and a.next_at is not null
            where t.run_id = %s and t.attempt_count > 1
        ) as w
        order by w.woken_at
        limit %s
        """,
        [run_id, run_id, limit],
    )


def _same(at: datetime) -> datetime:
    return at
