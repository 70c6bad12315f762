"""The list of runs: filters, a histogram, saved filters, and what can be done with many runs at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from perdure_engine import bulk_actions, run_search, saved_filters
from perdure_engine.errors import InvalidArgument, WrongState
from perdure_engine.pool import Connection
from perdure_engine.run_search import FoundRun, FoundRuns, HistogramSpan
from perdure_engine.saved_filters import SavedFilter
from perdure_server.dashboard import histogram, windows
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.histogram import Histogram
from perdure_server.dashboard.paging import QUERY, begins_below
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.run_filters import (
    GROUPS,
    WINDOWS,
    RunFilter,
    plain_time,
    read_filter,
    read_query,
)
from perdure_server.params import path_uuid

_TAKE = 50
_BARS = 48


async def show_runs(visit: Visit) -> Response:
    """A page of the runs that pass the filter in the address; the first one is live."""
    wanted = read_filter(visit.request.query_params.multi_items())
    now = datetime.now(UTC)
    below = begins_below(visit.query)
    async with visit.connection() as conn:
        found = await run_search.find_runs(
            conn, visit.environment.id, wanted.encoded(now), cursor=below, take=_TAKE
        )
        drawing = await _histogram(visit, conn, wanted, now) if below is None else None
        jobs = await run_search.list_job_slugs(conn, visit.environment.id)
        saved = await saved_filters.list_saved_filters(conn, visit.environment.id, visit.person.id)
        actions = await bulk_actions.list_bulk_actions(conn, visit.environment.id, limit=5)
    is_complete = len(found.runs) == _TAKE or found.next_cursor is None
    return render(
        visit,
        "runs.html",
        here=visit.here("/runs"),
        wanted=wanted,
        query=wanted.query(),
        groups={name: label for name, (label, _statuses) in GROUPS.items()},
        other_statuses=[name for name in wanted.statuses if name not in GROUPS],
        from_text=plain_time(wanted.from_at),
        to_text=plain_time(wanted.to_at),
        jobs=jobs,
        saved=saved,
        is_saved=any(one.query == wanted.query() for one in saved),
        actions=[action for action in actions if action.status == "RUNNING"],
        drawing=drawing,
        times=_times(visit, wanted),
        runs=found.runs,
        took=took,
        # A search that goes on adds rows to the page, which a live part would take away again.
        is_live=below is None and is_complete,
        is_first=below is None,
        is_complete=is_complete,
        take=_TAKE,
        searched=_searched(visit, found),
        older=_further(visit, wanted, found) if is_complete else None,
        newest=_address(visit, wanted.query()) if below else None,
        further=None if is_complete else _further(visit, wanted, found),
        searched_to=found.searched_to,
    )


async def save(visit: Visit) -> Response:
    """Keep the filter of the page by a name."""
    name, query = visit.form.get("name", ""), read_query(visit.form.get("query", "")).query()
    try:
        async with visit.changing("saved_filter.save", name) as change:
            await saved_filters.save_filter(change.conn, visit.environment.id, visit.person.id, name, query)
            change.after = {"query": query}
    except (InvalidArgument, WrongState) as error:
        raise BadField("name", f"{error.message}.") from error
    return visit.redirect(_address(visit, query), notice=f"The filter is saved as {name.strip()}.")


async def forget(visit: Visit) -> Response:
    """Delete a saved filter."""
    filter_id = path_uuid(visit.request, "filter_id", what="saved filter")
    async with visit.changing("saved_filter.delete", filter_id) as change:
        known = await saved_filters.list_saved_filters(change.conn, visit.environment.id, visit.person.id)
        change.before = _described(known, filter_id)
        await saved_filters.delete_saved_filter(change.conn, visit.environment.id, visit.person.id, filter_id)
    return visit.redirect(visit.here("/runs"), notice="The saved filter is deleted.")


def took(run: FoundRun) -> float | None:
    """Milliseconds from when a run was first executed until it ended; None: it has not."""
    if run.completed_at is None or run.started_at is None:
        return None
    return (run.completed_at - run.started_at) / timedelta(milliseconds=1)


def _described(known: list[SavedFilter], filter_id: str) -> dict[str, str] | None:
    return next(({"name": one.name, "query": one.query} for one in known if one.id == filter_id), None)


async def _histogram(visit: Visit, conn: Connection, wanted: RunFilter, now: datetime) -> Histogram:
    from_at, to_at = wanted.span(now)
    window = wanted.window or (None if wanted.from_at or wanted.to_at else windows.DAY)
    spans = await run_search.run_histogram(
        conn,
        visit.environment.id,
        wanted.within(from_at, to_at).encoded(now),
        buckets=window.length // window.part if window else _BARS,
    )

    def address(span: HistogramSpan) -> str:
        return _address(visit, wanted.within(span.starts_at, span.ends_at).query())

    return histogram.draw(spans, address)


def _times(visit: Visit, wanted: RunFilter) -> list[tuple[str, str, bool]]:
    """Label, address and whether it is this one, of each time that can be chosen."""
    is_custom = bool(wanted.from_at or wanted.to_at)
    choices = [("Any time", None), *((f"Last {window.label}", window) for window in WINDOWS)]
    return [
        (label, _address(visit, wanted.lately(window).query()), window is wanted.window and not is_custom)
        for label, window in choices
    ]


def _searched(visit: Visit, found: FoundRuns) -> int:
    """How many runs the search has looked at, with the pages before this one."""
    before = visit.query.get("searched", "")
    return found.looked_at + (int(before) if before.isdecimal() and len(before) < 12 else 0)


def _further(visit: Visit, wanted: RunFilter, found: FoundRuns) -> str | None:
    if found.next_cursor is None:
        return None
    further = {QUERY: found.next_cursor}
    if len(found.runs) < _TAKE:
        further["searched"] = str(_searched(visit, found))
    return _address(visit, wanted.query(), **further)


def _address(visit: Visit, query: str, **further: str) -> str:
    whole = "&".join(part for part in (query, urlencode(further)) if part)
    return visit.here("/runs") + (f"?{whole}" if whole else "")


PAGES = (
    Page(f"{ENVIRONMENT}/runs", show_runs, Needs.VIEWER, live_s=2),
    Page(f"{ENVIRONMENT}/runs/filters", save, Needs.VIEWER, "POST"),
    Page(f"{ENVIRONMENT}/runs/filters/{{filter_id}}/delete", forget, Needs.VIEWER, "POST"),
)
