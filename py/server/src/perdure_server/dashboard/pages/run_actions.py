"""What somebody may do with a run: cancel it, let it go on, do it again, give a task another result."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from perdure_engine import run_views, runs, tasks
from perdure_engine.pool import Connection
from perdure_engine.task_views import TaskDetail
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.documents import MalformedJson, checked_json
from perdure_server.dashboard.pages.run import found_run, found_task
from perdure_server.dashboard.rendering import pretty_json, render
from perdure_server.params import path_uuid

_LARGEST_FORM = 4 * 1024 * 1024  # bytes
_LONGEST_KEPT = 2000  # characters of a result in the audit log


async def cancel(visit: Visit) -> Response:
    """End a run that has not ended."""
    run_id = _run_id(visit)
    async with visit.changing("run.cancel", run_id) as change:
        change.before = {"status": await _status(visit, change.conn)}
        await runs.cancel_run(change.conn, visit.environment.id, run_id)
        change.after = {"status": "CANCELED"}
    return visit.redirect(visit.here(f"/runs/{run_id}"), notice="The run is canceled.")


async def go_on(visit: Visit) -> Response:
    """Let a run that ended without success go on where it stopped."""
    run_id = _run_id(visit)
    async with visit.changing("run.continue", run_id) as change:
        change.before = {"status": await _status(visit, change.conn)}
        await runs.continue_run(change.conn, visit.environment.id, run_id)
        change.after = {"status": "QUEUED"}
    return visit.redirect(
        visit.here(f"/runs/{run_id}"), notice="The run goes on: what was finished keeps its results."
    )


async def edit_payload(visit: Visit) -> Response:
    """A form with the payload, for a run like this one with another."""
    return await _payload_form(visit)


async def rerun(visit: Visit) -> Response:
    """Do all of the run's work again, as a new run; with the payload of the form, if it has one."""
    run_id, payload = _run_id(visit), None
    if "payload" in visit.form:
        try:
            payload = checked_json(visit.form["payload"])
        except MalformedJson as error:
            return await _payload_form(visit, written=visit.form["payload"], problem=str(error))
    async with visit.changing("run.rerun", run_id) as change:
        new_id = _id_of(await runs.rerun_run(change.conn, visit.environment.id, run_id, payload))
        change.after = {"run": new_id, "payload": "edited" if payload is not None else "the same"}
    return visit.redirect(visit.here(f"/runs/{new_id}"), notice="This is the new run.")


async def rerun_from_task(visit: Visit) -> Response:
    """Do the run's work again from this task on, as a new run with the results of what ended before."""
    run_id, task_id = _run_id(visit), path_uuid(visit.request, "task_id", what="task")
    async with visit.changing("run.rerun_from_task", run_id) as change:
        new_id = _id_of(await runs.rerun_from_task(change.conn, visit.environment.id, run_id, task_id))
        change.after = {"run": new_id, "task": task_id}
    return visit.redirect(
        visit.here(f"/runs/{new_id}"), notice="This is the new run. What ended before the task is taken over."
    )


async def edit_output(visit: Visit) -> Response:
    """A form with a task's result; empty where a part of it is not to be shown."""
    async with visit.connection() as conn:
        run = await found_run(visit, conn)
        task = await found_task(visit, conn, run)
    hidden = task.is_redacted or task.status != "COMPLETED"
    text = "" if hidden else pretty_json(task.output or b"null")
    return render(visit, "run_output.html", run=run, task=task, text=text, problem=None)


async def set_output(visit: Visit) -> Response:
    """Give a task the result of the form, as if it had returned it."""
    async with visit.connection() as conn:
        run = await found_run(visit, conn)
        task = await found_task(visit, conn, run)
    text = visit.form.get("output", "")
    try:
        output = checked_json(text)
    except MalformedJson as error:
        return render(visit, "run_output.html", status=400, run=run, task=task, text=text, problem=str(error))
    async with visit.changing("task.set_output", f"{task.key or task.name} in {run.id}") as change:
        change.before = _kept(task, task.output)
        await tasks.set_task_output(change.conn, visit.environment.id, run.id, task.id, output)
        change.after = _kept(task, output)
    ending = " Continue the run, and it goes on with it." if run.completed_at else ""
    return visit.redirect(
        visit.here(f"/runs/{run.id}") + f"?task={task.id}", notice=f"The result is changed.{ending}"
    )


async def _payload_form(visit: Visit, *, written: str | None = None, problem: str | None = None) -> Response:
    async with visit.connection() as conn:
        run = await found_run(visit, conn)
        event = await run_views.get_event(conn, visit.environment.id, run.event)
    return render(
        visit,
        "run_rerun.html",
        status=200 if problem is None else 400,
        run=run,
        text=written if written is not None else pretty_json(event.payload if event else b"{}"),
        is_request=event is not None and event.payload_type == "REQUEST",
        problem=problem,
    )


def _kept(task: TaskDetail, output: bytes | None) -> dict[str, Any]:
    """What the audit log keeps of a result: nothing of one that has secret parts."""
    if task.is_redacted:
        return {"task": task.id, "output": "not kept, since parts of it are secret"}
    return {"task": task.id, "status": task.status, "output": (output or b"").decode()[:_LONGEST_KEPT]}


async def _status(visit: Visit, conn: Connection) -> str:
    return (await found_run(visit, conn)).status


def _run_id(visit: Visit) -> str:
    return path_uuid(visit.request, "run_id", what="run")


def _id_of(run: bytes) -> str:
    found: str = json.loads(run)["id"]
    return found


_PATH = f"{ENVIRONMENT}/runs/{{run_id}}"
PAGES = (
    Page(f"{_PATH}/cancel", cancel, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/continue", go_on, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/rerun", edit_payload, Needs.MEMBER),
    Page(f"{_PATH}/rerun", rerun, Needs.MEMBER, "POST", form_limit=_LARGEST_FORM),
    Page(f"{_PATH}/tasks/{{task_id}}/rerun", rerun_from_task, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/tasks/{{task_id}}/output", edit_output, Needs.MEMBER),
    Page(f"{_PATH}/tasks/{{task_id}}/output", set_output, Needs.MEMBER, "POST", form_limit=_LARGEST_FORM),
)
