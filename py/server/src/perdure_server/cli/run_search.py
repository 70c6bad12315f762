"""``perdure runs find``: runs by all that the database knows of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from perdure.wire.runs import RunStatus
from perdure_engine import run_search
from perdure_engine.pool import Connection
from perdure_server.cli.commands import Place, with_place
from perdure_server.cli.listing import Follow, Item, Listing, show_page
from perdure_server.cli.options import AsJson, Cursor, Take
from perdure_server.cli.output import document, duration, short_time
from perdure_server.cli.run_options import OfJob, WithTags


@with_place
def find(
    place: Place,
    status: Annotated[
        list[RunStatus] | None,
        typer.Option(
            envvar="PERDURE_STATUS",
            help="Only runs in this status; given several times, in one of them.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    job: OfJob = None,
    version: Annotated[
        str | None,
        typer.Option(envvar="PERDURE_VERSION", help="Only runs of this version of it.", show_default=False),
    ] = None,
    tag: WithTags = None,
    text: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_TEXT",
            help="Only runs with this id, or this in the payload of their event.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            envvar="PERDURE_SINCE", help="Only runs created then or later, local time.", show_default=False
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(envvar="PERDURE_UNTIL", help="Only runs created before, likewise.", show_default=False),
    ] = None,
    take: Take = 20,
    cursor: Cursor = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Find runs in the database, newest first, with why they failed."""
    given = {
        "status": status,
        "job": job,
        "version": version,
        "tags": tag,
        "text": text,
        "from": since and since.astimezone().isoformat(),
        "to": until and until.astimezone().isoformat(),
    }
    query = json.dumps({name: value for name, value in given.items() if value}).encode()

    async def read(conn: Connection, environment_id: str) -> dict[str, Any]:
        page = await run_search.find_runs(conn, environment_id, query, cursor=cursor, take=take)
        return {"runs": [document(run) for run in page.runs], "nextCursor": page.next_cursor}

    show_page(
        _LISTING,
        lambda: place.run(read, see="perdure jobs list"),
        "runs",
        follow=follow,
        as_json=as_json,
    )


def _cells(run: Item) -> tuple[object, ...]:
    worked = duration(run["duration_ms"] / 1000) if run["completed_at"] else None
    job = f"{run['job']} {run['version']}"
    return run["id"], run["status"], job, short_time(run["created_at"]), worked, run["error"]


_LISTING = Listing(
    ("run", "status", "job", "created", "worked", "error"),
    _cells,
    "There are no such runs among those looked at.",
)
