"""Schedules: what fires when, pause and resume, run now, and the switch of the environment."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import environments, events, schedules
from perdure_engine.pool import Connection
from perdure_engine.schedules import Schedule
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.paging import begins_below, listing
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_uuid

_PAGE_SIZE = 20
_LISTED_FIRES = 3  # a look for the next one takes up to a millisecond
_FIRES = 5

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_NICKNAMES = {
    "@hourly": "every hour",
    "@daily": "every day at 00:00",
    "@midnight": "every day at 00:00",
    "@weekly": "every Sunday at 00:00",
    "@monthly": "on day 1 of every month at 00:00",
    "@yearly": "on 1 January at 00:00",
    "@annually": "on 1 January at 00:00",
}
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


async def list_schedules(visit: Visit) -> Response:
    """The schedules of the environment, and whether they fire there at all."""
    text = visit.query.get("text", "").strip()
    async with visit.connection() as conn:
        environment_id = visit.environment.id
        enabled = await schedules.are_schedules_enabled(conn, environment_id)
        found = await schedules.list_schedules(
            conn, environment_id, below=begins_below(visit.query), text=text, limit=_PAGE_SIZE + 1
        )
        page = listing(visit.here("/triggers"), visit.query, found, _PAGE_SIZE, lambda one: one.id)
        fires = await schedules.list_next_fires(
            conn, environment_id, [one.id for one in page.rows if one.due_at is not None], _LISTED_FIRES
        )
    return render(
        visit,
        "schedules.html",
        enabled=enabled,
        page=page,
        text=text,
        rows=[(one, timing_words(one), tick_id(one), fires.get(one.id, [])) for one in page.rows],
    )


async def show_schedule(visit: Visit) -> Response:
    """One schedule: its timing, its next fires, its last tick with the runs of it."""
    async with visit.connection() as conn:
        one = await _found(visit, conn)
        environment_id = visit.environment.id
        fires = []
        if one.due_at is not None or (one.active and one.cron is not None):
            fires = (await schedules.list_next_fires(conn, environment_id, [one.id], _FIRES))[one.id]
        jobs = [one.job] if one.job else []
        if one.dynamic_schedule is not None:
            jobs = (await schedules.list_dynamic_schedule_jobs(conn, environment_id)).get(
                one.dynamic_schedule, []
            )
        tick = tick_id(one)
        event = await events.read_event(conn, environment_id, tick) if tick else None
        runs = await events.list_event_runs(conn, environment_id, event.id) if event else []
        enabled = await schedules.are_schedules_enabled(conn, environment_id)
    return render(
        visit,
        "schedule.html",
        schedule=one,
        words=timing_words(one),
        fires=fires,
        jobs=jobs,
        event=event,
        runs=runs,
        enabled=enabled,
    )


async def switch(visit: Visit) -> Response:
    """Let the schedules of the environment fire, or not."""
    wanted = visit.form.get("enabled")
    if wanted not in ("yes", "no"):
        raise BadField("enabled", "must be yes or no")
    enabled, environment_id = wanted == "yes", visit.environment.id
    async with visit.changing("schedules.switch", visit.environment.slug) as change:
        change.before = {"enabled": await schedules.are_schedules_enabled(change.conn, environment_id)}
        await environments.set_schedules_enabled(change.conn, environment_id, enabled)
        change.after = {"enabled": enabled}
    notice = "Schedules fire from now on." if enabled else "No schedule of this environment fires any more."
    return visit.redirect(visit.here("/triggers"), notice=notice)


async def pause(visit: Visit) -> Response:
    """Let a schedule not fire until it is resumed."""
    one, name = await _named(visit)
    async with visit.changing("schedule.pause", name) as change:
        await schedules.pause_schedule(change.conn, visit.environment.id, one.id)
        change.before, change.after = {"paused": one.paused_at is not None}, {"paused": True}
    return visit.redirect(_back(visit, one.id), notice=f"The schedule {name} is paused.")


async def resume(visit: Visit) -> Response:
    """Let it fire again, from now on."""
    one, name = await _named(visit)
    async with visit.changing("schedule.resume", name) as change:
        due_at = await schedules.resume_schedule(change.conn, visit.environment.id, one.id)
        change.before, change.after = {"paused": one.paused_at is not None}, {"paused": False}
    notice = f"The schedule {name} is resumed. What it missed is not made up for."
    if due_at is None:
        notice = f"The schedule {name} is no longer paused, but does not fire: it, or all here, are off."
    return visit.redirect(_back(visit, one.id), notice=notice)


async def run_now(visit: Visit) -> Response:
    """Let a schedule fire once, now; on to the event of the tick."""
    one, name = await _named(visit)
    async with visit.changing("schedule.run_now", name) as change:
        event_id = await schedules.fire_schedule(change.conn, visit.environment.id, one.id)
        change.after = {"event": event_id}
    return visit.redirect(visit.here(f"/events/{event_id}"), notice=f"The schedule {name} has fired.")


def timing_words(schedule: Schedule) -> str:
    """When a schedule fires, in words; empty: its expression is not one of the common ones."""
    if schedule.seconds is not None:
        return interval_words(schedule.seconds)
    return cron_words(schedule.cron or "")


def interval_words(seconds: int) -> str:
    """An interval: ``every hour``, ``every 90 seconds``."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds % unit == 0)
    count = seconds // unit
    return f"every {name}" if count == 1 else f"every {count} {name}s"


def cron_words(cron: str) -> str:
    """A cron expression of one of the common shapes in words; empty: it is another."""
    if cron.strip().lower() in _NICKNAMES:
        return _NICKNAMES[cron.strip().lower()]
    fields = cron.upper().split()
    if len(fields) != 5 or fields[3] != "*":
        return ""
    minute, hour, day, _month, weekday = fields
    if hour == day == weekday == "*":
        if minute == "*":
            return "every minute"
        if every := re.fullmatch(r"\*/(\d+)", minute):
            return f"every {int(every[1])} minutes" if 60 % max(int(every[1]), 1) == 0 else ""
        return f"every hour at minute {int(minute)}" if minute.isdecimal() else ""
    if not (minute.isdecimal() and hour.isdecimal()):
        return ""
    at = f"at {int(hour):02}:{int(minute):02}"
    if day == "*":
        return f"{_weekday_words(weekday)} {at}" if _weekday_words(weekday) else ""
    return f"on day {int(day)} of every month {at}" if day.isdecimal() and weekday == "*" else ""


def _weekday_words(field: str) -> str:
    if field == "*":
        return "every day"
    if field in ("MON-FRI", "1-5"):
        return "Monday to Friday"
    if field in _DAY_NAMES:
        field = str(_DAY_NAMES.index(field))
    return f"every {_DAYS[int(field)]}" if field in tuple("01234567") else ""


def tick_id(schedule: Schedule) -> str | None:
    """The id of the event of the last tick; None: it has not fired."""
    if schedule.last_fired_at is None:
        return None
    milliseconds = schedule.last_fired_at.timestamp() * 1000
    return f"{schedule.id}:{int(milliseconds + 1e-3)}"  # a float may be a little less than the instant


def name_of(schedule: Schedule) -> str:
    """What people call it."""
    return schedule.job or f"{schedule.dynamic_schedule} / {schedule.key}"


async def _named(visit: Visit) -> tuple[Schedule, str]:
    async with visit.connection() as conn:
        one = await _found(visit, conn)
    return one, name_of(one)


async def _found(visit: Visit, conn: Connection) -> Schedule:
    schedule_id = path_uuid(visit.request, "schedule_id", what="schedule")
    one = await schedules.read_schedule(conn, visit.environment.id, schedule_id)
    if one is None:
        raise HTTPException(404)
    return one


def _back(visit: Visit, schedule_id: str) -> str:
    """To the list, if the form was there."""
    return visit.here("/triggers" if visit.form.get("to") == "list" else f"/triggers/schedules/{schedule_id}")


_PATH = f"{ENVIRONMENT}/triggers/schedules/{{schedule_id}}"
PAGES = (
    Page(f"{ENVIRONMENT}/triggers", list_schedules, Needs.VIEWER, live_s=5),
    Page(f"{ENVIRONMENT}/triggers/switch", switch, Needs.MEMBER, "POST"),
    Page(_PATH, show_schedule, Needs.VIEWER, live_s=3),
    Page(f"{_PATH}/pause", pause, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/resume", resume, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/run", run_now, Needs.MEMBER, "POST"),
)
