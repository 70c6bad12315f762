"""``perdure jobs``: look at jobs, start and pause them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from perdure_engine import jobs as engine
from perdure_engine import pauses
from perdure_engine.pauses import Pause
from perdure_engine.pool import Connection
from perdure_server.cli.api_client import ApiClient, segment
from perdure_server.cli.commands import Place, with_api, with_place
from perdure_server.cli.completion import job_ids
from perdure_server.cli.input import read_json
from perdure_server.cli.listing import Item, Listing
from perdure_server.cli.options import AsJson
from perdure_server.cli.output import align, document, local_time, print_data, print_json, say, short_time
from perdure_server.cli.runs import to_watch

_SEE = "perdure jobs list"
jobs = typer.Typer(no_args_is_help=True, help="Look at jobs, start and pause them.")

JobId = Annotated[str, typer.Argument(envvar="PERDURE_JOB", help="The job's id.", autocompletion=job_ids)]
Everything = Annotated[bool, typer.Option("--all", envvar="PERDURE_ALL", help="The whole environment.")]


@jobs.command("list")
@with_place
def list_jobs(place: Place, as_json: AsJson = False) -> None:
    """List the jobs of an environment, with how their latest runs went."""

    async def read(conn: Connection, environment_id: str) -> list[dict[str, Any]]:
        return [document(job) for job in await engine.list_jobs(conn, environment_id)]

    found = place.run(read, see=_SEE)
    if as_json:
        print_json(found)
    else:
        _LISTING.show(found)


@jobs.command()
@with_place
def get(place: Place, job: JobId, as_json: AsJson = False) -> None:
    """Show a job: its trigger and versions, and what it is limited and paused by."""

    async def read(conn: Connection, environment_id: str) -> dict[str, Any]:
        found = document(await engine.get_job(conn, environment_id, job))
        stops = [pause for pause in await pauses.list_pauses(conn, environment_id) if _stops(pause, found)]
        return {**found, "pauses": [document(pause) for pause in stops]}

    found = place.run(read, see=_SEE)
    if as_json:
        print_json(found)
        return
    for line in align([(title, value) for title, value in _facts(found) if value]):
        print_data(line)


@jobs.command()
@with_api
def run(
    api: ApiClient,
    job: JobId,
    payload: Annotated[
        str, typer.Option(envvar="PERDURE_PAYLOAD", help="JSON, @file, or - for standard input.")
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """Start a run of a job without an event, and print its id."""
    body = {"payload": read_json("--payload", payload)}
    started = api.post(f"/api/v1/jobs/{segment(job)}/invoke", body)
    if as_json:
        print_json(started)
    else:
        print_data(started["id"])
    say(to_watch(started["id"]))


@jobs.command()
@with_place
def pause(
    place: Place,
    job: Annotated[
        str | None,
        typer.Argument(envvar="PERDURE_JOB", help="The job's id; or --all.", autocompletion=job_ids),
    ] = None,
    everything: Everything = False,
    reason: Annotated[
        str | None,
        typer.Option(envvar="PERDURE_REASON", help="Why, for people who wonder.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Execute no run of a job, or of the environment, until it is resumed. Executions in flight end first."""
    _check(job, everything)

    async def stop(conn: Connection, environment_id: str) -> bytes:
        if job is None:
            return await pauses.pause_environment(conn, environment_id, reason=reason)
        return await pauses.pause_job(conn, environment_id, job, reason=reason)

    paused = json.loads(place.run(stop, see=_SEE))
    if as_json:
        print_json(paused)
    say(f"{job or place} is paused. To let it go on: perdure jobs resume {job or '--all'}")


@jobs.command()
@with_place
def resume(
    place: Place,
    job: Annotated[
        str | None,
        typer.Argument(envvar="PERDURE_JOB", help="The job's id; or --all.", autocompletion=job_ids),
    ] = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Execute the runs of a job, or of the environment, again."""
    _check(job, everything)

    async def go_on(conn: Connection, environment_id: str) -> int | None:
        if job is None:
            return await pauses.resume_environment(conn, environment_id)
        return await pauses.resume_job(conn, environment_id, job)

    waiting = place.run(go_on, see=_SEE)
    if as_json:
        print_json({"resumed": waiting is not None, "runs": waiting or 0})
    if waiting is None:
        say(f"{job or place} was not paused.")
    else:
        say(f"{job or place} goes on{f', with {waiting} runs that waited' if waiting else ''}.")


def _check(job: str | None, everything: bool) -> None:
    if (job is None) != everything:
        raise typer.BadParameter("give a job, or --all for the whole environment", param_hint="JOB")


def _stops(pause: Pause, job: Item) -> bool:
    if pause.scope == "JOB":
        return bool(pause.job == job["slug"])
    return pause.scope != "QUEUE" or pause.queue == job["queue"]


def _cells(job: Item) -> tuple[object, ...]:
    state = "PAUSED" if job["is_paused"] else job["status"]
    went_well = f"{job['succeeded'] * 100 // job['recent']} %" if job["recent"] else None
    last = short_time(job["last_run_at"])
    return job["slug"], state, job["version"], describe_trigger(job), job["last_run_status"], last, went_well


def describe_trigger(job: Item) -> str:
    """What starts a job, in few words."""
    trigger = job["trigger"]
    match trigger.get("type"):
        case "static":
            names = (trigger.get("rule") or {}).get("event")
            return ", ".join(names) if isinstance(names, list) else str(names)
        case "scheduled":
            schedule = trigger.get("schedule") or {}
            options = schedule.get("options") or {}
            return str(options.get("cron") or f"every {options.get('seconds')} s")
        case kind:
            return str(kind)


def _facts(job: Item) -> list[tuple[str, object]]:
    queue = f" in the queue {job['queue']}" if job["queue"] else ""
    is_connected = job["endpoint_url"].startswith("connected://")
    return [
        ("job", f"{job['slug']} {job['version']} ({job['name']})"),
        ("state", job["status"]),
        ("paused", "; ".join(map(_describe_pause, job["pauses"]))),
        ("starts at", describe_trigger(job)),
        ("app", f"{job['endpoint']} {'is connected' if is_connected else 'at ' + job['endpoint_url']}"),
        ("at a time", f"{job['max_executions']}{queue}" if job["max_executions"] else None),
        ("timeout", job["timeout"]),
        ("versions", ", ".join(job["versions"])),
        ("updated", local_time(job["updated_at"])),
    ]


def _describe_pause(pause: Item) -> str:
    parts = [f"{pause['scope'].lower()} since {local_time(pause['paused_at'])}"]
    parts += [f"by {pause['paused_by']}"] if pause["paused_by"] else []
    parts += [f"({pause['reason']})"] if pause["reason"] else []
    return " ".join(parts)


_LISTING = Listing(
    ("job", "state", "version", "starts at", "last run", "started", "went well"),
    _cells,
    "This environment has no job: an app brings them when it is registered (perdure endpoints register).",
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(jobs, name="jobs")
