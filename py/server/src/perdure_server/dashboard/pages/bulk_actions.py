"""Bulk actions: cancel, rerun or continue many runs, and see how far that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from perdure_engine import bulk_actions, run_search
from perdure_engine.bulk_actions import BulkAction
from perdure_engine.run_search import HistogramSpan
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.paging import QUERY, begins_below, listing
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.run_filters import RunFilter, read_filter, read_query, status_words
from perdure_server.params import path_uuid

_PAGE_SIZE = 50
_LABELS = {
    "job": "Job",
    "version": "Version",
    "tags": "Tags",
    "text": "Text",
    "fingerprint": "Error",
    "from": "From",
    "to": "To",
}
_BOX = re.compile(r"run\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be done with many runs, in words."""

    verb: str
    doing: str
    done: str
    effect: str


KINDS = {
    "CANCEL": Kind(
        "Cancel", "Canceling", "canceled", "Each run that has not ended stops; what it has done stays done."
    ),
    "RERUN": Kind(
        "Rerun",
        "Rerunning",
        "rerun",
        "For each run a new one does all of its work again, from the beginning, with the same payload.",
    ),
    "CONTINUE": Kind(
        "Continue",
        "Continuing",
        "continued",
        "Each run that ended without success goes on where it stopped; finished tasks keep their results.",
    ),
}


async def show_bulk_actions(visit: Visit) -> Response:
    """The bulk actions of the environment, newest first."""
    here = visit.here("/bulk-actions")
    async with visit.connection() as conn:
        found = await bulk_actions.list_bulk_actions(
            conn, visit.environment.id, before_id=begins_below(visit.query), limit=_PAGE_SIZE + 1
        )
    page = listing(here, visit.query, found, _PAGE_SIZE, lambda action: action.id)
    return render(
        visit,
        "bulk_actions.html",
        actions=page.rows,
        kinds=KINDS,
        older=page.older,
        newest=page.newest,
        is_first=QUERY not in visit.query,
    )


async def ask(visit: Visit) -> Response:
    """Say what a bulk action with all runs that match would do, before it is begun."""
    wanted = read_filter(visit.request.query_params.multi_items())
    kind = _kind(visit.query.get("kind", ""))
    return render(
        visit,
        "bulk_action_new.html",
        kind=kind,
        words=KINDS[kind],
        filter_words=wanted.words(),
        query=wanted.query(),
        estimate=await _estimate(visit, kind, wanted),
    )


async def begin(visit: Visit) -> Response:
    """Begin one: with the chosen runs, or with all that match the filter."""
    kind = _kind(visit.form.get("kind", ""))
    run_ids = [found[1] for name in visit.form if (found := _BOX.fullmatch(name))]
    by_filter = "query" in visit.form
    wanted = read_query(visit.form["query"]) if by_filter else RunFilter()
    if not by_filter and not run_ids:
        return visit.redirect(visit.here("/runs"), notice="No run is chosen. Tick some in the list first.")
    async with visit.changing("bulk_action.begin", f"{KINDS[kind].verb} runs") as change:
        document = wanted.encoded(datetime.now(UTC))
        action_id = await bulk_actions.begin_bulk_action(
            change.conn,
            visit.environment.id,
            kind,
            filter=document if by_filter else None,
            run_ids=None if by_filter else run_ids,
            user_id=visit.person.id,
        )
        change.after = {"kind": kind, "id": action_id}
        change.after |= {"filter": wanted.query() or "all runs"} if by_filter else {"runs": len(run_ids)}
    return visit.redirect(visit.here(f"/bulk-actions/{action_id}"))


async def show(visit: Visit) -> Response:
    """How far a bulk action is."""
    action = await _found(visit)
    return render(
        visit,
        "bulk_action.html",
        action=action,
        words=KINDS[action.kind],
        filter_words=_filter_words(action),
        here=visit.here(f"/bulk-actions/{action.id}"),
    )


async def stop(visit: Visit) -> Response:
    """Let a bulk action go no further."""
    action = await _found(visit)
    async with visit.changing("bulk_action.stop", action.id) as change:
        change.before = {"status": action.status}
        await bulk_actions.stop_bulk_action(change.conn, visit.environment.id, action.id)
        change.after = {"status": "STOPPED"}
    return visit.redirect(visit.here(f"/bulk-actions/{action.id}"), notice="It is stopped.")


async def _found(visit: Visit) -> BulkAction:
    action_id = path_uuid(visit.request, "action_id", what="bulk action")
    async with visit.connection() as conn:
        return await bulk_actions.get_bulk_action(conn, visit.environment.id, action_id)


def _kind(text: str) -> str:
    if text not in KINDS:
        raise BadField("kind", f"must be {' or '.join(KINDS)}.")
    return text


async def _estimate(visit: Visit, kind: str, wanted: RunFilter) -> str | None:
    """How many runs it concerns; None: that is not known before."""
    if wanted.text:
        return None
    now = datetime.now(UTC)
    async with visit.connection() as conn:
        oldest_at = await run_search.find_oldest_run_at(conn, visit.environment.id)
        if oldest_at is None:
            return "0"
        from_at = max(
            oldest_at, wanted.from_at or oldest_at, wanted.span(now)[0] if wanted.window else oldest_at
        )
        to_at = max(wanted.to_at or now, from_at + timedelta(milliseconds=1))
        spans = await run_search.run_histogram(
            conn, visit.environment.id, wanted.within(from_at, to_at).encoded(now)
        )
    count = sum(_concerned(kind, wanted, span) for span in spans)
    return f"{'' if all(span.is_exact for span in spans) else 'about '}{count:,}"


def _concerned(kind: str, wanted: RunFilter, span: HistogramSpan) -> int:
    """How many runs of a span; a filter without statuses means those that the action suits."""
    if not wanted.statuses and kind == "CANCEL":
        return span.open
    if not wanted.statuses and kind == "CONTINUE":
        return span.failed
    return span.succeeded + span.failed + span.canceled + span.open


def _filter_words(action: BulkAction) -> list[tuple[str, str]]:
    """The filter of an action as it was when it began, for people."""
    said = []
    for name, value in (action.query or {}).items():
        if name == "status":
            said.append(("Status", status_words(value)))
        elif name == "isTest":
            said.append(("Tests", "tests only" if value else "no tests"))
        else:
            said.append((_LABELS[name], ", ".join(value) if isinstance(value, list) else value))
    return said


PAGES = (
    Page(f"{ENVIRONMENT}/bulk-actions", show_bulk_actions, Needs.VIEWER, live_s=2),
    Page(f"{ENVIRONMENT}/bulk-actions/new", ask, Needs.MEMBER),
    Page(f"{ENVIRONMENT}/bulk-actions", begin, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/bulk-actions/{{action_id}}", show, Needs.VIEWER, live_s=1),
    Page(f"{ENVIRONMENT}/bulk-actions/{{action_id}}/stop", stop, Needs.MEMBER, "POST"),
)
