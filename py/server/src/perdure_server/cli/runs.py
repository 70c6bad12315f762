"""``perdure runs``: look at runs, cancel them, do them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer

from perdure.wire.statuses import RunStatus
from perdure_engine.errors import PerdureError
from perdure_server.cli.api_client import connect, segment
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import describe
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    ApiKey,
    ApiUrl,
    AsJson,
    DataDir,
    OptionalDatabaseUrl,
)
from perdure_server.cli.output import duration, local_time, print_data, print_json, print_table, say
from perdure_server.cli.run_drawing import draw_run
from perdure_server.cli.run_progress import follow as follow_run
from perdure_server.cli.run_view import RunView, fetch_run, view_run
from perdure_server.cli.views import Views

runs = typer.Typer(no_args_is_help=True, help="Look at runs, cancel them, do them again.")

RunId = Annotated[str, typer.Argument(envvar="PERDURE_RUN_ID", help="The run's id.")]


@runs.command("list")
def list_runs(
    status: Annotated[
        RunStatus | None,
        typer.Option(
            envvar="PERDURE_STATUS",
            help="Only runs in this status.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(envvar="PERDURE_JOB", help="Only runs of the job with this id.", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            envvar="PERDURE_TAG",
            help="Only runs with this tag; given several times, with all of them.",
            show_default=False,
        ),
    ] = None,
    take: Annotated[int, typer.Option(envvar="PERDURE_TAKE", min=1, max=50, help="Most runs.")] = 20,
    cursor: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_CURSOR", help="Where to go on, from the page before.", show_default=False
        ),
    ] = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List the environment's runs, newest first."""
    with connect(api_url, api_key, data_dir) as api:
        page = api.get("/api/v1/runs", status=status, job=job, tag=tag, take=take, cursor=cursor)
    if as_json:
        print_json(page)
        return
    rows = []
    for run in page["runs"]:
        started, completed = _instant(run.get("startedAt")), _instant(run.get("completedAt"))
        spent = duration((completed - started).total_seconds()) if started and completed else ""
        job_version = run.get("job") or {}
        rows.append(
            (
                run["id"],
                run["status"],
                " ".join(str(job_version[part]) for part in ("id", "version") if part in job_version),
                (run.get("event") or {}).get("name", ""),
                local_time(started),
                spent,
            )
        )
    if rows:
        print_table(("run", "status", "job", "event", "started", "took"), rows)
    else:
        say("There are no such runs.")
    if page.get("nextCursor"):
        say(f"More: --cursor {page['nextCursor']}")


@runs.command()
def show(
    run_id: RunId,
    follow: Annotated[
        bool,
        typer.Option("--follow", envvar="PERDURE_FOLLOW", help="Tell every change until the run has ended."),
    ] = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show a run with the tree of its tasks.

    With a database (or where `perdure dev` runs) its executions, waits and attempts are shown, too.
    """
    if database_url is None and api_url is None:
        database_url = DevFiles(data_dir).running_database()
    with connect(api_url, api_key, data_dir) as api, _views(database_url) as views:

        def look() -> RunView:
            found = views.find_run(run_id) if views else None
            return found or view_run(fetch_run(api, run_id))

        fetch_run(api, run_id)  # refuses what this key may not see
        run = follow_run(look, _tell) if follow else look()
        if as_json:
            shown = fetch_run(api, run_id)
            print_json({**shown, "executions": views.executions(run_id)} if views else shown)
            return
    for line in draw_run(run, datetime.now(UTC)):
        print_data(line)


@runs.command()
def cancel(
    run_id: RunId,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Cancel a run. Exit status 1 when it has ended in another way before."""
    with connect(api_url, api_key, data_dir) as api:
        run = api.post(f"/api/v1/runs/{segment(run_id)}/cancel")
    if as_json:
        print_json(run)
    say(f"{run['id']} is {run['status']}.")


@runs.command()
def rerun(
    run_id: RunId,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Do all of a run's work again, as a new run, and print its id."""
    with connect(api_url, api_key, data_dir) as api:
        run = api.post(f"/api/v1/runs/{segment(run_id)}/rerun")
    if as_json:
        print_json(run)
    else:
        print_data(run["id"])
    say(f"{run['id']} is {run['status']}. To watch it: perdure runs show {run['id']} --follow")


@runs.command("continue")
def continue_run(
    run_id: RunId,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Let a run that failed or was cancelled go on where it stopped. Exit status 1 for any other run."""
    with connect(api_url, api_key, data_dir) as api:
        run = api.post(f"/api/v1/runs/{segment(run_id)}/continue")
    if as_json:
        print_json(run)
    say(f"{run['id']} is {run['status']}.")


@contextmanager
def _views(url: str | None) -> Iterator[Views | None]:
    """The views, if they can be had: DATABASE_URL may name a database that is not Perdure's."""
    with ExitStack() as stack:
        views = None
        if url is not None:
            try:
                views = stack.enter_context(Views(url))
            except (PerdureError, psycopg.Error) as error:
                say(f"Executions and waits are not shown: {describe(error)}")
        yield views


def _tell(line: str) -> None:
    say(f"{datetime.now().astimezone():%H:%M:%S}  {line}")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(runs, name="runs")
