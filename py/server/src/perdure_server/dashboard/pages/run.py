"""One run: what became of it and why, its tasks along the time, its logs, requests and event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import run_views, task_views, waits
from perdure_engine.pool import Connection
from perdure_engine.run_views import RunFacts
from perdure_engine.task_views import TaskDetail
from perdure_server.dashboard import paths
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.documents import failure_of, properties_of
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.task_tree import MoreLine, TaskLine, lines_of
from perdure_server.dashboard.timeline import KINDS, Axis, Part, Tick, axis_of, parts_of_run, path_of, totals
from perdure_server.params import path_uuid

VIEWS = {"tasks": "Tasks", "logs": "Logs", "requests": "Requests", "event": "Event"}
"""What of a run is shown below its facts."""

_ENDED = ("SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD")
_WAITING = ("WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE", "WAITING_ON_CONNECTIONS")
_FAILURES = {
    "TIMED_OUT": "Timed out",
    "ABORTED": "Aborted",
    "INVALID_PAYLOAD": "The payload does not fit",
    "UNRESOLVED_AUTH": "No credentials",
}
"""Of failures without a name."""
_PER_LEVEL = 200
_LINES = 200
_REQUESTS = 100
_MOST_DRAWN = 3000  # requests, and times in which tasks were at work
_BAR_HEIGHT = 12


@dataclass(frozen=True, slots=True)
class Timeline:
    """The time of a run, drawn."""

    axis: Axis
    ticks: list[Tick]
    shapes: dict[str, str]
    """The path of each kind that there is."""
    sums: list[tuple[str, str, float]]
    """Kind, its name, milliseconds."""
    end: datetime

    @property
    def text(self) -> str:
        """What it shows, in words."""
        return "Time of the run: " + ", ".join(f"{name} {ms:.0f} ms" for _, name, ms in self.sums)


async def show_run(visit: Visit) -> Response:
    """The run; ``view`` says what of it, ``task`` which task is looked at."""
    view = visit.query.get("view", "tasks")
    if view not in VIEWS:
        raise HTTPException(404)
    async with visit.connection() as conn:
        run = await found_run(visit, conn)
        values = await _PARTS[view](visit, conn, run)
        values["wait"] = (
            None if is_ended(run) else await waits.explain_wait(conn, visit.environment.id, run.id)
        )
        values["statuses"] = await run_views.list_statuses(conn, run.id)
        tasks, lines = await task_views.count_tasks(conn, run.id)
        earlier = await run_views.list_earlier_runs(conn, visit.environment.id, run.job_id, run.id)
        failed_task_id = await _failed_task(conn, run)
    here = visit.here(f"/runs/{run.id}")
    counts = {"tasks": tasks, "logs": lines}
    return render(
        visit,
        "run.html",
        run=run,
        here=here,
        view=view,
        tabs=[(_label(name, counts), _address(here, view=name), name == view) for name in VIEWS],
        is_ended=is_ended(run),
        failure_title=_FAILURES.get(run.status, "Error"),
        failure=failure_of(run.output) if run.status not in ("SUCCESS", "CANCELED") else None,
        failed_task_id=failed_task_id,
        properties_of=properties_of,
        earlier=earlier[0] if earlier else None,
        address=lambda **query: _address(here, **query),
        **values,
    )


async def found_run(visit: Visit, conn: Connection) -> RunFacts:
    """The run that the path names, in the environment that it names.

    Raises:
        HTTPException: 404, there is none.
    """
    run_id = path_uuid(visit.request, "run_id", what="run")
    run = await run_views.get_run(conn, visit.environment.id, run_id)
    if run is None:
        raise HTTPException(404)
    return run


async def found_task(visit: Visit, conn: Connection, run: RunFacts) -> TaskDetail:
    """The task of the run that the path names.

    Raises:
        HTTPException: 404, there is none.
    """
    task = await task_views.get_task(conn, run.id, path_uuid(visit.request, "task_id", what="task"))
    if task is None:
        raise HTTPException(404)
    return task


def is_ended(run: RunFacts) -> bool:
    """Whether a run has ended, however."""
    return run.status in _ENDED


async def _tasks(visit: Visit, conn: Connection, run: RunFacts) -> dict[str, Any]:
    """The tree along the time, and the task that is looked at: the one that failed, if none is chosen."""
    within, after = _uuid(visit, "within"), _uuid(visit, "after")
    if visit.query.get("after") == "last":
        after = await task_views.find_last_tasks(conn, run.id, within, _PER_LEVEL)
    timeline = await _timeline(conn, run)
    rows = await task_views.list_tasks(conn, run.id, within=within, after=after, per_level=_PER_LEVEL + 1)
    lines = lines_of(rows, timeline.axis, timeline.end, within=within, per_level=_PER_LEVEL)
    chosen = _uuid(visit, "task") or await _failed_task(conn, run)
    task = await task_views.get_task(conn, run.id, chosen) if chosen else None
    return {
        "timeline": timeline,
        "lines": lines,
        "is_more": lambda line: isinstance(line, MoreLine),
        "is_earlier": lambda line: isinstance(line, TaskLine) and _is_taken_over(run, line),
        "within": await task_views.get_task(conn, run.id, within) if within else None,
        "after": after,
        "has_more": any(isinstance(line, MoreLine) and line.depth == 0 for line in lines),
        "task": task,
        "attempts": await task_views.list_attempts(conn, task.id) if task else [],
        "task_failure": failure_of(task.output) if task and task.status == "ERRORED" else None,
        "failure_of": failure_of,
        "bar_height": _BAR_HEIGHT,
    }


async def _logs(visit: Visit, conn: Connection, run: RunFacts) -> dict[str, Any]:
    after = _uuid(visit, "after")
    if visit.query.get("after") == "last":
        after = await task_views.find_last_lines(conn, run.id, _LINES)
    lines = await task_views.list_log_lines(conn, run.id, after=after, limit=_LINES + 1)
    return {
        "lines": [
            (line, _level(line.properties), (line.logged_at - run.created_at) / timedelta(milliseconds=1))
            for line in lines[:_LINES]
        ],
        "next": lines[_LINES - 1].id if len(lines) > _LINES else None,
        "is_continued": "after" in visit.query,
    }


async def _requests(visit: Visit, conn: Connection, run: RunFacts) -> dict[str, Any]:
    after = visit.query.get("after", "0")
    executions = await run_views.list_executions(
        conn, run.id, after=int(after) if after.isdecimal() and len(after) < 10 else 0, limit=_REQUESTS + 1
    )
    return {
        "executions": executions[:_REQUESTS],
        "next": executions[_REQUESTS - 1].lease_number if len(executions) > _REQUESTS else None,
        "is_continued": "after" in visit.query,
    }


async def _event(visit: Visit, conn: Connection, run: RunFacts) -> dict[str, Any]:
    return {"event": await run_views.get_event(conn, visit.environment.id, run.event)}


_PARTS = {"tasks": _tasks, "logs": _logs, "requests": _requests, "event": _event}


async def _timeline(conn: Connection, run: RunFacts) -> Timeline:
    executions = await run_views.list_executions(conn, run.id, limit=_MOST_DRAWN)
    last = max([run.created_at, *(execution.ended_at or execution.claimed_at for execution in executions)])
    end = run.completed_at or _rounded_present(run, last)
    parts: list[Part] = parts_of_run(
        run.created_at,
        max(end, last),
        executions,
        await run_views.list_busy_spans(conn, run.id, end, limit=_MOST_DRAWN),
        await run_views.list_wake_times(conn, run.id),
        waits=is_ended(run) or run.status in _WAITING,
    )
    axis = axis_of(parts, run.created_at)
    sums = totals(parts)
    return Timeline(
        axis,
        axis.ticks(parts),
        {kind: path_of(parts, kind, axis, _BAR_HEIGHT) for kind in KINDS if sums[kind]},
        [(kind, KINDS[kind], ms) for kind, ms in sums.items() if ms],
        max(end, last),
    )


def _rounded_present(run: RunFacts, last: datetime) -> datetime:
    """The present, so that a page that is made again soon after is the same: a wait goes on by minutes."""
    since = max(run.now - last, timedelta())
    step = timedelta(minutes=1) if since > timedelta(minutes=1) else timedelta(seconds=1)
    return last + since // step * step


def _is_taken_over(run: RunFacts, line: TaskLine) -> bool:
    ended = line.task.completed_at
    return ended is not None and ended < run.created_at


async def _failed_task(conn: Connection, run: RunFacts) -> str | None:
    if run.status in ("SUCCESS", "CANCELED") or not is_ended(run):
        return None
    return run.failed_task_id or await task_views.find_failed_task(conn, run.id)


def _level(properties: bytes | None) -> str:
    level = next((shown.text for shown in properties_of(properties) if shown.label == "Level"), "log")
    return level.lower()


def _label(view: str, counts: dict[str, int]) -> str:
    count = counts.get(view, 0)
    return f"{VIEWS[view]} ({count:,})" if count else VIEWS[view]


def _uuid(visit: Visit, name: str) -> str | None:
    """An id in the query; None: there is none."""
    try:
        return str(UUID(visit.query[name]))
    except (KeyError, ValueError):
        return None


def _address(here: str, **query: str | None) -> str:
    """The page of the run with this query; what is None or says nothing new is left out."""
    wanted = {
        name: text for name, text in query.items() if text is not None and (name, text) != ("view", "tasks")
    }
    return paths.with_query(here, **wanted) if wanted else here


PAGES = (Page(f"{ENVIRONMENT}/runs/{{run_id}}", show_run, Needs.VIEWER, live_s=1),)
