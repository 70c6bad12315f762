"""``perdure events``: look at events, send, replay and cancel them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from perdure_engine import events as engine
from perdure_engine.pool import Connection
from perdure_server.cli.api_client import ApiClient, segment
from perdure_server.cli.commands import Place, with_api, with_place
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.listing import Follow, Item, Listing, show_page
from perdure_server.cli.options import AsJson, Cursor, Take
from perdure_server.cli.output import align, document, local_time, print_data, print_json, say, short_time
from perdure_server.cli.run_drawing import shorten
from perdure_server.cli.runs import to_watch
from perdure_server.cli.trigger import trigger

_SEE = "perdure events list"
events = typer.Typer(no_args_is_help=True, help="Look at events, send, replay and cancel them.")

EventId = Annotated[str, typer.Argument(envvar="PERDURE_EVENT_ID", help="The event's id, as it was sent.")]


@events.command("list")
@with_place
def list_events(
    place: Place,
    name: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_EVENT",
            help="Only events of this name; order.* by its beginning.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(envvar="PERDURE_SOURCE", help="Only events from this source.", show_default=False),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_TEXT",
            help="Only events with this id, or this in the payload.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Literal["pending", "delivered", "canceled"] | None,
        typer.Option(envvar="PERDURE_STATE", help="Only events in this state.", show_default=False),
    ] = None,
    take: Take = 20,
    cursor: Cursor = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """List the events of an environment, newest first."""
    given = {"name": name, "source": source, "text": text, "state": state and state.upper()}
    wanted = {member: value for member, value in given.items() if value is not None}

    async def find(conn: Connection, environment_id: str) -> dict[str, Any]:
        page = await engine.find_events(conn, environment_id, wanted, cursor, take)
        return {"events": [document(event) for event in page.events], "nextCursor": page.next_cursor}

    show_page(_LISTING, lambda: place.run(find, see=_SEE), "events", follow=follow, as_json=as_json)


@events.command()
@with_place
def get(place: Place, event_id: EventId, as_json: AsJson = False) -> None:
    """Show an event: what it carries, what it started, and why other jobs did not want it."""

    async def read(conn: Connection, environment_id: str) -> dict[str, Any]:
        event = await engine.read_event(conn, environment_id, event_id)
        if event is None:
            raise CommandFailed(f"there is no event {event_id!r} in {place}. To see what there is: {_SEE}")
        runs = await engine.list_event_runs(conn, environment_id, event.id)
        jobs = await engine.explain_event(conn, environment_id, event.id)
        return {
            **document(event),
            "runs": [document(run) for run in runs],
            "jobs": [document(job) for job in jobs],
        }

    found = place.run(read, see=_SEE)
    if as_json:
        print_json(found)
        return
    for line in align([(title, value) for title, value in _facts(found) if value]):
        print_data(line)
    others = [_other_cells(job) for job in found["jobs"] if job["run_id"] is None]
    for line in align([*((run["job"], run["status"], run["id"]) for run in found["runs"]), *others]):
        print_data(f"  {line}")


events.command("send")(trigger)


@events.command()
@with_place
def replay(place: Place, event_id: EventId, as_json: AsJson = False) -> None:
    """Send a stored event once more, to what listens today, and print the runs that it starts."""

    async def send(conn: Connection, environment_id: str) -> dict[str, Any]:
        event = json.loads(await engine.replay_event(conn, environment_id, event_id))
        runs = await engine.list_event_runs(conn, environment_id, event["id"])
        return {**event, "runs": [document(run) for run in runs]}

    sent = place.run(send, see=_SEE)
    if as_json:
        print_json(sent)
    else:
        for run in sent["runs"]:
            print_data(run["id"])
    what = to_watch(sent["runs"][0]["id"]) if sent["runs"] else "No job wants it, so there is no run."
    say(f"Sent again as event {sent['id']}. {what}")


@events.command()
@with_api
def cancel(api: ApiClient, event_id: EventId, as_json: AsJson = False) -> None:
    """Take back an event that is to be delivered later. Exit status 1 when it was delivered."""
    event = api.post(f"/api/v1/events/{segment(event_id)}/cancel")
    if as_json:
        print_json(event)
    say(f"{event['id']} will not be delivered.")


def _state(event: Item) -> str:
    if event["cancelled_at"]:
        return "CANCELED"
    return "DELIVERED" if event["delivered_at"] else "PENDING"


def _cells(event: Item) -> tuple[object, ...]:
    return event["id"], _state(event), event["name"], short_time(event["created_at"]), event["runs"]


def _facts(event: Item) -> list[tuple[str, object]]:
    later: datetime | None = None if event["delivered_at"] or event["cancelled_at"] else event["deliver_at"]
    return [
        ("event", event["id"]),
        ("name", f"{event['name']} from {event['source']}"),
        ("state", f"{_state(event)}{f' until {local_time(later)}' if later else ''}"),
        ("sent", local_time(event["created_at"])),
        ("account", event["account"]),
        ("replay of", event["replayed_key"]),
        ("payload", shorten(event["payload"])),
        ("context", shorten(event["context"]) if event["context"] else None),
    ]


def _other_cells(job: Item) -> tuple[object, ...]:
    name = job["job"] or f"{job['jobs']} that listen to other names"
    return name, job["outcome"], shorten(job["mismatch"]) if job["mismatch"] else None


_LISTING = Listing(("event", "state", "name", "sent", "runs"), _cells, "There are no such events.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(events, name="events")
