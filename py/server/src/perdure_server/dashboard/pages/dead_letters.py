"""Dead letters: runs that failed because nobody could execute them, and how they go on."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import failures, runs
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.paging import begins_below, listing
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_uuid

_PAGE_SIZE = 50
_AT_ONCE = 500


async def list_dead_letters(visit: Visit) -> Response:
    """The runs, newest first."""
    async with visit.connection() as conn:
        found = await failures.list_dead_letters(
            conn, visit.environment.id, before=begins_below(visit.query), limit=_PAGE_SIZE + 1
        )
    page = listing(visit.here("/dead-letters"), visit.query, found, _PAGE_SIZE, lambda run: run.run_id)
    return render(visit, "dead_letters.html", page=page)


async def redrive(visit: Visit) -> Response:
    """Let one go on."""
    run_id = path_uuid(visit.request, "run_id", what="run")
    async with visit.changing("run.redrive", run_id) as change:
        change.before = {"status": "FAILURE"}
        await runs.continue_run(change.conn, visit.environment.id, run_id)
        change.after = {"status": "QUEUED"}
    return visit.redirect(visit.here("/dead-letters"), notice=f"The run {run_id} goes on.")


async def redrive_all(visit: Visit) -> Response:
    """Let all go on, as many as one transaction is to hold."""
    async with visit.changing("run.redrive", "all dead letters") as change:
        count = await failures.redrive_dead_letters(change.conn, visit.environment.id, _AT_ONCE)
        change.after = {"runs": count}
    notice = f"{count} run{'' if count == 1 else 's'} of the dead letters go{'es' if count == 1 else ''} on."
    if count == _AT_ONCE:
        notice += " Redrive once more for those that are left."
    return visit.redirect(visit.here("/dead-letters"), notice=notice)


PAGES = (
    Page(f"{ENVIRONMENT}/dead-letters", list_dead_letters, Needs.VIEWER, live_s=5),
    Page(f"{ENVIRONMENT}/dead-letters/redrive", redrive_all, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/dead-letters/{{run_id}}/redrive", redrive, Needs.MEMBER, "POST"),
)
