"""What people see of a run: read from the views, which hide what is secret."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
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
class TaskRow:
    """A task in the tree of a run."""

    id: str
    parent_id: str | None
    depth: int
    key: str | None
    name: str
    icon: str | None
    status: str
    noop: bool
    attempt_count: int
    started_at: datetime
    completed_at: datetime | None
    created_at: datetime
    due_at: datetime | None
    children: int
    """Tasks directly within it."""


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """A task with all that is kept of it."""

    id: str
    parent_id: str | None
    idempotency_key: str
    key: str | None
    name: str
    icon: str | None
    description: str | None
    status: str
    noop: bool
    attempt_count: int
    params: bytes | None
    properties: bytes | None
    output: bytes | None
    output_properties: bytes | None
    delay_until: datetime | None
    due_at: datetime | None
    started_at: datetime
    completed_at: datetime | None
    connection_key: str | None
    operation: str | None
    effect: str | None
    has_callback: bool
    is_redacted: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task."""

    number: int
    status: str
    error: bytes | None
    ended_at: datetime | None
    next_at: datetime | None
    """When the following one was due; ``None``: there is none."""


@dataclass(frozen=True, slots=True)
class ComparedTask:
    """A task, to be compared with that of another run."""

    id: str
    path: tuple[str, ...]
    """Keys from the outermost task to this one; the same in another run means the same task."""
    depth: int
    name: str
    status: str
    started_at: datetime
    completed_at: datetime | None
    digest: str | None
    """Of what it returned or failed with."""

    @property
    def key(self) -> str:
        """The task's own key."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a run has logged."""

    id: str
    parent_id: str | None
    message: str | None
    data: bytes | None
    properties: bytes | None
    logged_at: datetime


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


async def list_tasks(
    conn: Connection,
    run_id: str,
    *,
    within: str | None = None,
    after: str | None = None,
    per_level: int = 200,
    per_task: int = 50,
    limit: int = 600,
) -> list[TaskRow]:
    """Tasks of a run but for its log lines, as a tree: each task before those within it, oldest first.

    Of a large run only a part: look at ``children`` to see what is left out.

    Args:
        conn: as a role that reads the views.
        run_id: whose.
        within: only those within this task; ``None``: all.
        after: go on behind this task, of the outermost level.
        per_level: most tasks of the outermost level.
        per_task: most tasks directly within any other.
        limit: most tasks in all, outer ones first.
    """
    return await fetch_rows(
        conn,
        TaskRow,
        """
        with recursive
        own as materialized (
            select
                t.id, t.parent_id, t.display_key, t.name, t.icon, t.status, t.noop, t.attempt_count,
                t.started_at, t.completed_at, t.created_at, t.due_at
            from perdure_views.tasks as t
            where t.run_id = %s and not (t.noop and t.name = 'log')
        ),
        ranked as materialized (
            select o.*, row_number() over (partition by o.parent_id order by o.id) as place
            from own as o
            where
                %s::uuid is null or o.parent_id is distinct from %s::uuid or o.id > %s::uuid
        ),
        tree as (
            select r.*, 0 as depth, array[r.id] as path
            from ranked as r
            where r.parent_id is not distinct from %s::uuid and r.place <= %s
            union all
            select r.*, p.depth + 1, p.path || r.id
            from tree as p
            inner join ranked as r on r.parent_id = p.id and r.place <= %s
        ),
        shown as (
            select * from tree limit %s  -- level by level
        ),
        families as (
            select o.parent_id, count(*) as children
            from own as o
            where o.parent_id is not null
            group by o.parent_id
        )
        select
            s.id, s.parent_id, s.depth, s.display_key, s.name, s.icon, s.status, s.noop, s.attempt_count,
            s.started_at, s.completed_at, s.created_at, s.due_at, coalesce(f.children, 0)
        from shown as s
        left join families as f on f.parent_id = s.id
        order by s.path
        """,
        [run_id, after, within, after, within, per_level, per_task, limit],
    )


async def find_last_tasks(conn: Connection, run_id: str, within: str | None, count: int) -> str | None:
    """The task behind which the last ``count`` of a level begin; ``None``: it has no more than these.

    Args:
        conn: as a role that reads the views.
        run_id: whose.
        within: the level: the tasks directly within this one; ``None``: the outermost.
        count: how many.
    """
    task_id: str | None = await fetch_value(
        conn,
        """
        select (array_agg(l.id order by l.id) filter (where l.place > %s))[1]
        from (
            select t.id, row_number() over (order by t.id desc) as place
            from perdure_views.tasks as t
            where
                t.run_id = %s
                and t.parent_id is not distinct from %s::uuid and not (t.noop and t.name = 'log')
            order by t.id desc
            limit %s
        ) as l
        """,
        [count, run_id, within, count + 1],
    )
    return task_id


async def count_tasks(conn: Connection, run_id: str) -> tuple[int, int]:
    """How many tasks a run has, and how many log lines."""
    rows = await fetch_rows(
        conn,
        _pair,
        """
        select
            count(*) filter (where not (t.noop and t.name = 'log')),
            count(*) filter (where t.noop and t.name = 'log')
        from perdure_views.tasks as t
        where t.run_id = %s
        """,
        [run_id],
    )
    return rows[0]


async def list_compared_tasks(conn: Connection, run_id: str, limit: int = 500) -> list[ComparedTask]:
    """The first tasks of a run but for its log lines, each before those within it."""
    return await fetch_rows(
        conn,
        _compared_task,
        """
        with recursive
        own as materialized (
            select
                t.id, t.parent_id, t.name, t.status, t.started_at, t.completed_at,
                t.key, row_number() over (partition by t.parent_id, t.key order by t.id) as number
            from (select t.*, coalesce(t.display_key, t.name) as key from perdure_views.tasks as t) as t
            where t.run_id = %s and not (t.noop and t.name = 'log')
        ),
        tree as (
            select o.*, array[o.id] as ids, array[o.key, o.number::text] as keys
            from own as o
            where o.parent_id is null
            union all
            select o.*, p.ids || o.id, p.keys || array[o.key, o.number::text]
            from tree as p
            inner join own as o on o.parent_id = p.id
        ),
        shown as (
            select * from tree order by ids limit %s
        )
        select
            s.id, s.keys, s.name, s.status, s.started_at, s.completed_at,
            (select md5(t.output::text) from perdure_views.tasks as t where t.id = s.id)
        from shown as s
        order by s.ids
        """,
        [run_id, limit],
    )


async def get_task(conn: Connection, run_id: str, task_id: str) -> TaskDetail | None:
    """A task; ``None``: the run has none with this id."""
    rows = await fetch_rows(
        conn,
        TaskDetail,
        """
        select
            t.id, t.parent_id, t.idempotency_key, t.display_key, t.name, t.icon, t.description, t.status,
            t.noop, t.attempt_count, t.params, t.properties, t.output, t.output_properties, t.delay_until,
            t.due_at, t.started_at, t.completed_at, t.connection_key, t.operation, t.effect, t.has_callback,
            t.is_redacted
        from perdure_views.tasks as t
        where t.run_id = %s and t.id = %s
        """,
        [run_id, task_id],
    )
    return rows[0] if rows else None


async def find_failed_task(conn: Connection, run_id: str) -> str | None:
    """The task that failed last, the innermost; ``None``: none failed."""
    task_id: str | None = await fetch_value(
        conn,
        """
        select t.id
        from perdure_views.tasks as t
        where
            t.run_id = %s and t.status = 'ERRORED'
            and not exists (
                select 1
                from perdure_views.tasks as c
                where c.run_id = t.run_id and c.parent_id = t.id and c.status = 'ERRORED'
            )
        order by t.completed_at desc, t.id desc
        limit 1
        """,
        [run_id],
    )
    return task_id


async def list_attempts(conn: Connection, task_id: str, limit: int = 50) -> list[Attempt]:
    """The tries of a task, the last first."""
    return await fetch_rows(
        conn,
        Attempt,
        """
        select a.number, a.status, a.error, a.ended_at, a.next_at
        from perdure_views.attempts as a
        where a.task_id = %s
        order by a.number desc
        limit %s
        """,
        [task_id, limit],
    )


async def find_last_lines(conn: Connection, run_id: str, count: int) -> str | None:
    """The log line behind which the last ``count`` begin; ``None``: the run has no more than these."""
    line_id: str | None = await fetch_value(
        conn,
        """
        select (array_agg(l.id order by l.id) filter (where l.place > %s))[1]
        from (
            select t.id, row_number() over (order by t.id desc) as place
            from perdure_views.tasks as t
            where t.run_id = %s and t.noop and t.name = 'log'
            order by t.id desc
            limit %s
        ) as l
        """,
        [count, run_id, count + 1],
    )
    return line_id


async def list_log_lines(
    conn: Connection, run_id: str, *, after: str | None = None, limit: int = 200
) -> list[LogLine]:
    """What a run has logged, oldest first.

    Args:
        conn: as a role that reads the views.
        run_id: whose.
        after: go on behind this line.
        limit: most lines.
    """
    return await fetch_rows(
        conn,
        LogLine,
        """
        select t.id, t.parent_id, t.description, t.params, t.properties, t.started_at
        from perdure_views.tasks as t
        where t.run_id = %s and t.noop and t.name = 'log' and (%s::uuid is null or t.id > %s::uuid)
        order by t.id
        limit %s
        """,
        [run_id, after, after, limit],
    )


def _compared_task(
    id: str,
    keys: list[str],
    name: str,
    status: str,
    started_at: datetime,
    completed_at: datetime | None,
    digest: str | None,
) -> ComparedTask:
    """``keys``: of each task around it, and its own, each with its number among those that have the same."""
    path = tuple(
        key if number == "1" else f"{key} ({number})"
        for key, number in zip(keys[::2], keys[1::2], strict=True)
    )
    return ComparedTask(id, path, len(path) - 1, name, status, started_at, completed_at, digest)


def _same(at: datetime) -> datetime:
    return at


def _pair(tasks: int, lines: int) -> tuple[int, int]:
    return tasks, lines
