"""``perdure schedules``: look at the schedules of an environment, let them fire or not; in the database."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Annotated

import typer

from perdure_engine import environments
from perdure_engine import schedules as engine
from perdure_engine.pool import Connection
from perdure_server.cli.commands import Place, with_place
from perdure_server.cli.completion import schedule_keys
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.listing import Item, Listing
from perdure_server.cli.options import AsJson
from perdure_server.cli.output import duration, local_time, print_data, print_json, say, short_time

_SEE = "perdure schedules list"
schedules = typer.Typer(
    no_args_is_help=True, help="Look at schedules, let them fire or not, in the database."
)

_IS_ON = "select schedules_enabled from perdure_views.environments where id = %s"
_SCHEDULES = """
select
    key, job, dynamic_schedule, type, seconds, cron, time_zone, account, active, due_at, last_fired_at,
    problem, paused_at
from perdure_views.schedules where environment_id = %s order by due_at, key
"""
_FIND = "select id from perdure_views.schedules where environment_id = %s and (key = %s or id::text = %s)"

Key = Annotated[
    str,
    typer.Argument(
        envvar="PERDURE_SCHEDULE", help="The schedule's key, or its id.", autocompletion=schedule_keys
    ),
]


@schedules.command()
@with_place
def on(place: Place, as_json: AsJson = False) -> None:
    """Let the schedules of an environment fire; those that did not so far begin now."""
    count = _switch(place, enabled=True)
    if as_json:
        print_json({"enabled": True, "active": count})
    say(f"{'1 schedule fires' if count == 1 else f'{count} schedules fire'} in {place} from now on.")


@schedules.command()
@with_place
def off(place: Place, as_json: AsJson = False) -> None:
    """Let no schedule of an environment fire. Runs that have begun go on."""
    count = _switch(place, enabled=False)
    if as_json:
        print_json({"enabled": False, "active": count})
    say(f"No schedule fires in {place} from now on.")


@schedules.command("list")
@with_place
def list_schedules(place: Place, as_json: AsJson = False) -> None:
    """List the schedules of an environment, the next to fire first."""
    is_on = place.read(_IS_ON)[0]["schedules_enabled"]
    rows = place.read(_SCHEDULES)
    if as_json:
        print_json({"enabled": is_on, "schedules": rows})
    else:
        _LISTING.show(rows)
    if not is_on:
        say(f"Schedules do not fire in {place}. To let them: perdure schedules on")


@schedules.command()
@with_place
def preview(
    place: Place,
    key: Key,
    count: Annotated[int, typer.Option(envvar="PERDURE_COUNT", min=1, max=1000, help="How many.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Tell when a schedule fires next; of one that is paused or off, when it would if it began now."""
    schedule_id = _find(place, key)

    async def look(conn: Connection, environment_id: str) -> list[datetime]:
        return (await engine.list_next_fires(conn, environment_id, [schedule_id], count))[schedule_id]

    fires = place.run(look, see=_SEE)
    if as_json:
        print_json([instant.isoformat() for instant in fires])
        return
    for instant in fires:
        print_data(local_time(instant))


@schedules.command()
@with_place
def pause(place: Place, key: Key, as_json: AsJson = False) -> None:
    """Let a schedule not fire until it is resumed, also when its app is deployed anew."""
    schedule_id = _find(place, key)

    async def stop(conn: Connection, environment_id: str) -> None:
        await engine.pause_schedule(conn, environment_id, schedule_id)

    place.run(stop, see=_SEE)
    if as_json:
        print_json({"paused": True})
    say(f"{key} does not fire. To let it: perdure schedules resume {shlex.quote(key)}")


@schedules.command()
@with_place
def resume(place: Place, key: Key, as_json: AsJson = False) -> None:
    """Let a schedule fire again, from now on."""
    schedule_id = _find(place, key)

    async def go_on(conn: Connection, environment_id: str) -> datetime | None:
        return await engine.resume_schedule(conn, environment_id, schedule_id)

    due_at = place.run(go_on, see=_SEE)
    if as_json:
        print_json({"paused": False, "due_at": due_at})
    if due_at:
        say(f"{key} fires next at {local_time(due_at)}.")
    else:
        say(f"{key} is not paused any more. It does not fire as long as it or all schedules are off.")


@schedules.command("run-now")
@with_place
def run_now(place: Place, key: Key, as_json: AsJson = False) -> None:
    """Let a schedule fire once, now, and print the id of the event."""
    schedule_id = _find(place, key)

    async def fire(conn: Connection, environment_id: str) -> str:
        return await engine.fire_schedule(conn, environment_id, schedule_id)

    event_id = place.run(fire, see=_SEE)
    if as_json:
        print_json({"event": event_id})
    else:
        print_data(event_id)
    say(f"{key} has fired. To see what came of it: perdure events get {shlex.quote(event_id)}")


def _find(place: Place, key: str) -> str:
    """The id of a schedule, by its key or its id."""
    found = [str(row["id"]) for row in place.read(_FIND, key, key)]
    if len(found) > 1:
        raise CommandFailed(
            f"several schedules of {place} have the key {key!r}: give one of {', '.join(found)}"
        )
    if not found:
        raise CommandFailed(f"there is no schedule {key!r} in {place}. To see what there is: {_SEE}")
    return found[0]


def _switch(place: Place, *, enabled: bool) -> int:
    async def switch(conn: Connection, environment_id: str) -> int:
        return await environments.set_schedules_enabled(conn, environment_id, enabled)

    return place.run(switch, see=_SEE)


def timing(row: Item) -> str:
    """When a schedule fires, for people."""
    if row["type"] == "interval":
        return f"every {duration(row['seconds'])}"
    return row["cron"] if row["time_zone"] == "UTC" else f"{row['cron']} {row['time_zone']}"


def _cells(row: Item) -> tuple[object, ...]:
    coming = short_time(row["due_at"]) if row["active"] else row["problem"] or "off"
    if row["paused_at"]:
        coming = "paused"
    starts = row["job"] or f"jobs of {row['dynamic_schedule']}"
    return row["key"], starts, timing(row), coming, short_time(row["last_fired_at"])


_LISTING = Listing(
    ("key", "starts", "fires", "next", "last"), _cells, "No job has a schedule in this environment."
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(schedules, name="schedules")
