"""What people see of a run's tasks: the tree, one of them, log lines; read from views, like run_views."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .driver import Connection


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


def _pair(tasks: int, lines: int) -> tuple[int, int]:
    return tasks, lines
