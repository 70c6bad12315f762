"""Errors: the failures of an environment's runs, those that look alike together."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import failures
from perdure_engine.failures import COUNTED, FailureGroup
from perdure_server.dashboard import charts, windows
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.paging import begins_below, listing
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.windows import Window
from perdure_server.params import path_uuid

_PAGE_SIZE = 25
_WINDOWS = (windows.DAY, windows.WEEK, windows.MONTH)


_NAMES = {
    "FAILURE": "Failed",
    "TIMED_OUT": "Timed out",
    "ABORTED": "Aborted",
    "INVALID_PAYLOAD": "Invalid payload",
    "UNRESOLVED_AUTH": "No credentials",
}
"""Of failures whose app told of no error, by the status of the run."""


async def list_errors(visit: Visit) -> Response:
    """The kinds of failures, the newest first; of one job, if the query names it."""
    window = windows.chosen_window(visit.query, _WINDOWS, windows.WEEK)
    job = visit.query.get("job") or None
    async with visit.connection() as conn:
        groups = await failures.list_failure_groups(
            conn,
            visit.environment.id,
            job=job,
            window=window.length,
            bucket=window.part,
            before=begins_below(visit.query),
            limit=_PAGE_SIZE + 1,
        )
    page = listing(visit.here("/errors"), visit.query, groups, _PAGE_SIZE, lambda group: group.last_run_id)
    return render(
        visit,
        "errors.html",
        page=page,
        tabs=windows.window_tabs(visit.query, _WINDOWS, window),
        window=window,
        job=job,
        count=count,
        name_of=name_of,
        history=lambda group: _history(group, window),
    )


async def show_error(visit: Visit) -> Response:
    """One kind of failures: what the app said of the newest, and the runs."""
    fingerprint = path_uuid(visit.request, "fingerprint", what="error")
    window = windows.chosen_window(visit.query, _WINDOWS, windows.WEEK)
    async with visit.connection() as conn:
        found = await failures.get_failure_group(
            conn, visit.environment.id, fingerprint, window=window.length, bucket=window.part
        )
        if found is None:
            raise HTTPException(404)
        runs = await failures.list_failures(
            conn, visit.environment.id, fingerprint, before=begins_below(visit.query), limit=_PAGE_SIZE + 1
        )
    here = visit.here(f"/errors/{fingerprint}")
    return render(
        visit,
        "error.html",
        group=found.group,
        name=name_of(found.group),
        error=found.error,
        stack=_stack(found.error),
        page=listing(here, visit.query, runs, _PAGE_SIZE, lambda run: run.run_id),
        tabs=windows.window_tabs(visit.query, _WINDOWS, window),
        window=window,
        count=count,
        history=_history(found.group, window),
    )


def count(number: int) -> str:
    """A number of failures for people: above what is counted, it says so."""
    return f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"


def name_of(group: FailureGroup) -> str:
    """What a kind of failures is called."""
    return group.error_name or _NAMES[group.status]


def _history(group: FailureGroup, window: Window) -> str:
    parts = group.buckets or []
    label = f"{count(group.failures)} in the last {window.label}"
    return charts.sparkline(parts, label)


def _stack(error: bytes | None) -> str | None:
    """The stack of an error as SDKs send it."""
    document: Any = json.loads(error) if error else None
    stack = document.get("stack") if isinstance(document, dict) else None
    return stack if isinstance(stack, str) and stack.strip() else None


PAGES = (
    Page(f"{ENVIRONMENT}/errors", list_errors, Needs.VIEWER, live_s=5),
    Page(f"{ENVIRONMENT}/errors/{{fingerprint}}", show_error, Needs.VIEWER, live_s=5),
)
