"""Schedules, those of dynamic triggers among them: one call for each SQL function. JSON is in wire shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as people see it."""

    id: str
    job: str | None
    """Whose own it is; ``None``: it is attached to a dynamic one."""
    dynamic_schedule: str | None
    key: str
    type: str
    seconds: int | None
    cron: str | None
    time_zone: str
    account: str | None
    metadata: bytes | None
    active: bool
    paused_at: datetime | None
    due_at: datetime | None
    last_fired_at: datetime | None
    problem: str | None
    created_at: datetime
    updated_at: datetime


_SCHEDULES = """
    select
        s.id, s.job, s.dynamic_schedule, s.key, s.type, s.seconds, s.cron, s.time_zone, s.account, s.metadata,
        s.active, s.paused_at, s.due_at, s.last_fired_at, s.problem, s.created_at, s.updated_at
    from perdure_views.schedules as s
"""


async def register_schedule(
    conn: Connection, environment_id: str, dynamic_schedule: str, body: bytes
) -> bytes:
    """Attach a schedule to a dynamic one; returns ``{id, schedule, metadata?, active}``.

    Args:
        conn: a connection of the server.
        environment_id: where the dynamic schedule is.
        dynamic_schedule: its id in the app.
        body: ``{id: key, type, options, accountId?, metadata?}``; the same key again takes its place.
    Raises:
        NotFound: the environment has no such dynamic schedule.
        InvalidArgument: names what is wrong with ``body``.
    """
    registered: bytes = await fetch_value(
        conn,
        "select perdure.register_schedule(%s, %s, %s)",
        [environment_id, dynamic_schedule, Json(body)],
    )
    return registered


async def unregister_schedule(
    conn: Connection, environment_id: str, dynamic_schedule: str, key: str
) -> bytes:
    """End a schedule that was attached, if there is one; returns ``{"ok": true}``.

    Raises:
        NotFound: the environment has no such dynamic schedule.
    """
    ended: bytes = await fetch_value(
        conn, "select perdure.unregister_schedule(%s, %s, %s)", [environment_id, dynamic_schedule, key]
    )
    return ended


async def list_schedules(
    conn: Connection, environment_id: str, *, below: str | None = None, text: str = "", limit: int = 50
) -> list[Schedule]:
    """The schedules of an environment, newest first.

    Args:
        conn: a connection of the server.
        environment_id: where they are.
        below: only those before this one.
        text: a part of the job, of the dynamic schedule, of the key or of the account; empty: all.
        limit: most of them.
    """
    return await fetch_rows(
        conn,
        Schedule,
        _SCHEDULES
        + """
        where
            s.environment_id = %s and (%s::uuid is null or s.id < %s::uuid)
            and position(lower(%s) in lower(concat_ws(' ', s.job, s.dynamic_schedule, s.key, s.account))) > 0
        order by s.id desc
        limit %s
        """,
        [environment_id, below, below, text, limit],
    )


async def read_schedule(conn: Connection, environment_id: str, schedule_id: str) -> Schedule | None:
    """A schedule; ``None``: the environment has none with this id."""
    rows = await fetch_rows(
        conn,
        Schedule,
        _SCHEDULES
        + """
        where s.environment_id = %s and s.id = %s
        """,
        [environment_id, schedule_id],
    )
    return rows[0] if rows else None


async def list_dynamic_schedule_jobs(conn: Connection, environment_id: str) -> dict[str, list[str]]:
    """Which jobs each dynamic schedule of an environment starts."""
    rows = await fetch_rows(
        conn,
        lambda slug, jobs: (slug, jobs),
        "select t.slug, t.jobs from perdure_views.dynamic_triggers as t"
        " where t.environment_id = %s and t.kind = 'SCHEDULE'",
        [environment_id],
    )
    return dict(rows)


async def list_next_fires(
    conn: Connection, environment_id: str, schedule_ids: Sequence[str], count: int = 5
) -> dict[str, list[datetime]]:
    """When schedules fire next, by their ids; of one that is paused or off: when it would if it began now."""
    fires: dict[str, list[datetime]] = {schedule_id: [] for schedule_id in schedule_ids}
    for schedule_id, fires_at in await fetch_rows(
        conn,
        lambda schedule_id, fires_at: (schedule_id, fires_at),
        "select schedule_id, fires_at from perdure.list_next_fires(%s, %s::uuid[], %s)",
        [environment_id, list(schedule_ids), count],
    ):
        fires[schedule_id].append(fires_at)
    return fires


async def are_schedules_enabled(conn: Connection, environment_id: str) -> bool:
    """Whether the schedules of an environment fire at all."""
    enabled: bool = await fetch_value(
        conn,
        "select e.schedules_enabled from perdure_views.environments as e where e.id = %s",
        [environment_id],
    )
    return enabled


async def pause_schedule(conn: Connection, environment_id: str, schedule_id: str) -> None:
    """Let a schedule not fire until it is resumed.

    Raises:
        NotFound: the environment has no such schedule.
    """
    await fetch_value(conn, "select perdure.pause_schedule(%s, %s)", [environment_id, schedule_id])


async def resume_schedule(conn: Connection, environment_id: str, schedule_id: str) -> datetime | None:
    """Let it fire again, from now on; returns when it does next, if it does.

    Raises:
        NotFound: the environment has no such schedule.
    """
    due_at: datetime | None = await fetch_value(
        conn, "select perdure.resume_schedule(%s, %s)", [environment_id, schedule_id]
    )
    return due_at


async def fire_schedule(conn: Connection, environment_id: str, schedule_id: str) -> str:
    """Let a schedule fire once, now; returns the id of the tick's event.

    Raises:
        NotFound: the environment has no such schedule.
        WrongState: no job would be started.
    """
    event_id: str = await fetch_value(
        conn, "select perdure.fire_schedule(%s, %s)", [environment_id, schedule_id]
    )
    return event_id
