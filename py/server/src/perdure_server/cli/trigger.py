"""``perdure trigger``: send an event."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perdure_server.cli.api_client import ApiClient, segment
from perdure_server.cli.commands import with_api
from perdure_server.cli.input import read_json
from perdure_server.cli.options import AsJson
from perdure_server.cli.output import print_data, print_json, say
from perdure_server.cli.runs import to_watch


@with_api
def trigger(
    api: ApiClient,
    name: Annotated[str, typer.Argument(envvar="PERDURE_EVENT", help="The event's name.")],
    payload: Annotated[
        str,
        typer.Option(
            envvar="PERDURE_PAYLOAD", help="JSON, @file, or - for standard input.", show_default=True
        ),
    ] = "{}",
    event_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            envvar="PERDURE_EVENT_ID",
            help="The event's id; an id that was sent before starts nothing.",
            show_default=False,
        ),
    ] = None,
    context: Annotated[
        str, typer.Option(envvar="PERDURE_CONTEXT", help="What goes with the payload: JSON, @file, or -.")
    ] = "{}",
    deliver_after_s: Annotated[
        int | None,
        typer.Option(
            envvar="PERDURE_DELIVER_AFTER_S", min=0, help="Seconds until it is delivered.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send an event; prints the runs that it started."""
    event: dict[str, Any] = {
        "name": name,
        "payload": read_json("--payload", payload),
        "context": read_json("--context", context),
    }
    if event_id is not None:
        event["id"] = event_id
    body: dict[str, Any] = {"event": event}
    if deliver_after_s is not None:
        body["options"] = {"deliverAfter": deliver_after_s}
    stored = api.post("/api/v1/events", body)
    runs = api.get(f"/api/v2/events/{segment(stored['id'])}")["runs"]
    if as_json:
        print_json({**stored, "runs": runs})
    else:
        for run in runs:
            print_data(run["id"])
    say(f"event {stored['id']}: {_consequence(stored, runs)}")


def _consequence(stored: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    if runs:
        count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        return f"{count}. {to_watch(runs[0]['id'])}"
    if stored.get("deliverAt") and not stored.get("deliveredAt"):
        return f"will be delivered at {stored['deliverAt']}."
    return "no job wants it, so there is no run."


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(trigger)
