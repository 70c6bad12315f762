"""Events: the list, one event with what it started and why other jobs did not start, replay and cancel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from perdure_engine import deliveries, events
from perdure_engine.errors import InvalidArgument
from perdure_engine.events import EventFacts, Explanation
from perdure_engine.pool import Connection
from perdure_server.dashboard import paths
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.paging import QUERY, begins_below
from perdure_server.dashboard.rendering import render

_PAGE_SIZE = 50
_TICK = "dev.trigger.scheduled"
_LONGEST = 300  # characters of a value in an explanation

STATES = {"DELIVERED": "Delivered", "PENDING": "Still to be delivered", "CANCELED": "Canceled"}
"""What may have become of an event."""

_CONDITIONS = {
    "in": "must be one of",
    "$endsWith": "must end with",
    "$startsWith": "must begin with",
    "$ignoreCaseEquals": "must be, in capitals or not,",
    "$gt": "must be greater than",
    "$lt": "must be less than",
    "$gte": "must be at least",
    "$lte": "must be at most",
    "$between": "must be between",
    "$includes": "must include",
    "$not": "must not be, or include,",
    "$anythingBut": "must be anything but",
    "object": "must be an object that passes",
    "some element": "must have an element that passes",
    "malformed": "meets a condition that no filter may have:",
    "too deep": "is nested too deep to be looked at",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job did not start, for people: ``place`` ``text`` ``wanted``; it is ``found``."""

    text: str
    place: str = ""
    wanted: str = ""
    found: str | None = ""
    """None: there is no such value; empty: not to be told."""


async def list_events(visit: Visit) -> Response:
    """Events that pass the filter of the query, newest first; with ``id`` on to that event."""
    if visit.query.get("id"):
        async with visit.connection() as conn:
            event = await events.read_event(conn, visit.environment.id, visit.query["id"])
        if event is not None:
            return RedirectResponse(visit.here(f"/events/{event.key}"), status_code=303)
    given = {name: text for name, text in visit.query.items() if name not in (QUERY, "id") and text}
    if visit.query.get("id"):
        given["text"] = visit.query["id"]
    problem, found = None, None
    try:
        async with visit.connection() as conn:
            found = await events.find_events(
                conn, visit.environment.id, _filter(given), begins_below(visit.query), _PAGE_SIZE
            )
    except InvalidArgument as error:
        problem = error.message
    here = visit.here("/events")
    newest = paths.with_query(here, **given) if given else here
    further = None
    if found and found.next_cursor:
        further = paths.with_query(here, **given, **{QUERY: found.next_cursor})
    return render(
        visit,
        "events.html",
        status=200 if problem is None else 400,
        found=found,
        problem=problem,
        given=given,
        states=STATES,
        is_full=found is not None and len(found.events) == _PAGE_SIZE,
        further=further,
        newest=newest if QUERY in visit.query else None,
    )


async def show_event(visit: Visit) -> Response:
    """One event: what it is, what it started, why other jobs did not start."""
    async with visit.connection() as conn:
        event = await _found(visit, conn)
        environment_id = visit.environment.id
        runs = await events.list_event_runs(conn, environment_id, event.id)
        explained = await events.explain_event(conn, environment_id, event.id)
        replays = await events.list_replays(conn, environment_id, event.key)
        brought_by = await deliveries.list_event_deliveries(conn, environment_id, event.key)
    is_tick = event.name == _TICK and event.source == "trigger.dev"
    return render(
        visit,
        "event.html",
        event=event,
        state=state_of(event),
        runs=runs,
        others=[(one, reason_of(one)) for one in explained if one.job and _is_other(one)],
        other_names=sum(one.jobs for one in explained if one.job is None),
        replays=replays,
        brought_by=brought_by,
        schedule_id=event.id.partition(":")[0] if is_tick else None,
        is_direct=is_tick or (event.name == "invoke" and event.source == "trigger.dev"),
        may_cancel_runs=any(run.completed_at is None for run in runs),
    )


async def replay(visit: Visit) -> Response:
    """Send the event once more."""
    async with visit.connection() as conn:
        event = await _found(visit, conn)
    async with visit.changing("event.replay", event.id) as change:
        new_id = json.loads(await events.replay_event(change.conn, visit.environment.id, event.id))["id"]
        change.after = {"event": new_id}
        new = await events.read_event(change.conn, visit.environment.id, new_id)
    assert new is not None  # noqa: S101  # made in this transaction
    return visit.redirect(visit.here(f"/events/{new.key}"), notice="This is the new event.")


async def cancel(visit: Visit) -> Response:
    """Take an event back that is still to be delivered."""
    async with visit.connection() as conn:
        event = await _found(visit, conn)
    async with visit.changing("event.cancel", event.id) as change:
        await events.cancel_event(change.conn, visit.environment.id, event.id)
        change.before, change.after = {"state": state_of(event)}, {"state": "CANCELED"}
    return visit.redirect(
        visit.here(f"/events/{event.key}"), notice="The event is canceled: it starts nothing."
    )


async def cancel_runs(visit: Visit) -> Response:
    """Cancel every run of the event that has not ended."""
    async with visit.connection() as conn:
        event = await _found(visit, conn)
    async with visit.changing("event.cancel_runs", event.id) as change:
        outcome = json.loads(await events.cancel_event_runs(change.conn, visit.environment.id, event.id))
        count = len(outcome["cancelledRunIds"])
        change.after = {"canceled": count}
    runs = "1 run is canceled." if count == 1 else f"{count} runs are canceled."
    return visit.redirect(visit.here(f"/events/{event.key}"), notice=runs)


def state_of(event: EventFacts) -> str:
    """One of STATES."""
    if event.delivered_at is not None:
        return "DELIVERED"
    return "PENDING" if event.cancelled_at is None else "CANCELED"


def reason_of(explanation: Explanation) -> Reason:
    """Why a job did not start, in words."""
    mismatch: dict[str, Any] = json.loads(explanation.mismatch or b"{}")
    match explanation.outcome:
        case "MATCHED":
            return Reason("It would start today: it came, or was changed, after the event.")
        case "DISABLED":
            return Reason("The job is switched off: its app has disabled it or lost it.")
        case "OTHER_SOURCE":
            return Reason("must be", "source", _short(mismatch["wanted"]), _short(mismatch["found"]))
        case "OTHER_ACCOUNT":
            return Reason("It wants events of another end user.")
        case "OTHER_REGISTRATION":
            return Reason("Another registration of the dynamic trigger brought the event.")
        case _:
            return _mismatch_reason(mismatch)


def _mismatch_reason(mismatch: Mapping[str, Any]) -> Reason:
    operator, wanted = mismatch["operator"], mismatch["wanted"]
    place = ".".join((mismatch["filter"], *mismatch["path"]))
    found = _short(mismatch["found"]) if "found" in mismatch else None
    if operator == "$exists":
        return Reason("must exist" if wanted else "must be absent", place, "", found)
    if operator == "$isNull":
        return Reason("must be null" if wanted else "must not be null", place, "", found)
    if operator == "too deep":
        return Reason(_CONDITIONS[operator], place)
    return Reason(_CONDITIONS.get(operator, operator), place, _short(wanted), found)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _is_other(explanation: Explanation) -> bool:
    """Whether the job did not start, or would not today."""
    return explanation.run_id is None or explanation.outcome != "MATCHED"


def _filter(given: Mapping[str, str]) -> dict[str, Any]:
    """The filter of the query; times are in UTC unless they say otherwise."""
    filter: dict[str, Any] = {
        name: given[name] for name in ("name", "source", "text", "state") if given.get(name)
    }
    for name in ("from", "to"):
        if text := given.get(name):
            filter[name] = text if text.endswith("Z") or "+" in text else f"{text}Z"
    if given.get("test") in ("yes", "no"):
        filter["isTest"] = given["test"] == "yes"
    return filter


async def _found(visit: Visit, conn: Connection) -> EventFacts:
    event = await events.read_event(conn, visit.environment.id, visit.request.path_params["event_id"])
    if event is None:
        raise HTTPException(404)
    return event


_PATH = f"{ENVIRONMENT}/events/{{event_id}}"
PAGES = (
    Page(f"{ENVIRONMENT}/events", list_events, Needs.VIEWER, live_s=3),
    Page(_PATH, show_event, Needs.VIEWER, live_s=2),
    Page(f"{_PATH}/replay", replay, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/cancel", cancel, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/cancel-runs", cancel_runs, Needs.MEMBER, "POST"),
)
