"""``perdure runs``: look at runs, cancel them, do them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from perdure.wire.runs import RunStatus
from perdure_engine.errors import PerdureError
from perdure_server.cli.api_client import ApiClient, connect, segment
from perdure_server.cli.commands import with_api
from perdure_server.cli.completion import run_ids
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import describe
from perdure_server.cli.listing import Follow, Item, Listing, show_page
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    ApiKey,
    ApiUrl,
    AsJson,
    Cursor,
    DataDir,
    OptionalDatabaseUrl,
    Take,
)
from perdure_server.cli.output import duration, parse_instant, print_data, print_json, say, short_time
from perdure_server.cli.run_drawing import draw_run
from perdure_server.cli.run_options import OfJob, WithTags
from perdure_server.cli.run_progress import follow as follow_run
from perdure_server.cli.run_search import find
from perdure_server.cli.run_view import RunView, fetch_run, view_run
from perdure_server.cli.views import Views

runs = typer.Typer(no_args_is_help=True, help="Look at runs, cancel them, do them again.")

RunId = Annotated[str, typer.Argument(envvar="PERDURE_RUN_ID", help="The run's id.", autocompletion=run_ids)]


@runs.command("list")
@with_api
def list_runs(
    api: ApiClient,
    status: Annotated[
        RunStatus | None,
        typer.Option(
            envvar="PERDURE_STATUS",
            help="Only runs in this status.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    job: OfJob = None,
    tag: WithTags = None,
    take: Take = 20,
    cursor: Cursor = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """List the environment's runs, newest first."""

    def read() -> dict[str, Any]:
        page: dict[str, Any] = api.get(
            "/api/v1/runs", status=status, job=job, tag=tag, take=take, cursor=cursor
        )
        return page

    show_page(RUNS, read, "runs", follow=follow, as_json=as_json)


def _cells(run: Item) -> tuple[object, ...]:
    started, completed = parse_instant(run.get("startedAt")), parse_instant(run.get("completedAt"))
    job = run.get("job") or {}
    return (
        run["id"],
        run["status"],
        " ".join(str(job[part]) for part in ("id", "version") if part in job),
        short_time(started),
        duration((completed - started).total_seconds()) if started and completed else None,
        (run.get("event") or {}).get("name"),
    )


RUNS = Listing(("run", "status", "job", "started", "took", "event"), _cells, "There are no such runs.")


runs.command()(find)


@runs.command()
def get(
    run_id: RunId,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show a run with the tree of its tasks.

    With a database (or where `perdure dev` runs) its executions, waits and attempts are shown, too.
    """
    with _source(api_url, api_key, database_url, data_dir) as (api, views):
        fetch_run(api, run_id)  # refuses what this key may not see
        _show(api, views, _look(api, views, run_id), as_json=as_json)


@runs.command()
def watch(
    run_id: RunId,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Tell every change of a run until it has ended, then show it. Exit status 0 however it has ended."""
    with _source(api_url, api_key, database_url, data_dir) as (api, views):
        fetch_run(api, run_id)  # likewise
        try:
            run = follow_run(lambda: _look(api, views, run_id), _tell)
        except KeyboardInterrupt:
            say(f"The run goes on. {to_watch(run_id)}")
            raise typer.Exit(1) from None
        _show(api, views, run, as_json=as_json)


@runs.command()
@with_api
def cancel(api: ApiClient, run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run. Exit status 1 when it has ended in another way before."""
    run = api.post(f"/api/v1/runs/{segment(run_id)}/cancel")
    if as_json:
        print_json(run)
    say(f"{run['id']} is {run['status']}.")


@runs.command()
@with_api
def rerun(api: ApiClient, run_id: RunId, as_json: AsJson = False) -> None:
    """Do all of a run's work again, as a new run, and print its id."""
    run = api.post(f"/api/v1/runs/{segment(run_id)}/rerun")
    if as_json:
        print_json(run)
    else:
        print_data(run["id"])
    say(f"{run['id']} is {run['status']}. {to_watch(run['id'])}")


@runs.command("continue")
@with_api
def continue_run(api: ApiClient, run_id: RunId, as_json: AsJson = False) -> None:
    """Let a run that failed or was cancelled go on where it stopped. Exit status 1 for any other run."""
    run = api.post(f"/api/v1/runs/{segment(run_id)}/continue")
    if as_json:
        print_json(run)
    say(f"{run['id']} is {run['status']}. {to_watch(run['id'])}")


def to_watch(run_id: str) -> str:
    """How to go on with a run that has just begun."""
    return f"To watch it: perdure runs watch {run_id}"


@contextmanager
def _source(
    api_url: str | None, api_key: str | None, database_url: str | None, data_dir: Path
) -> Iterator[tuple[ApiClient, Views | None]]:
    """The API, and the views if they can be had: DATABASE_URL may name a database that is not Perdure's."""
    if database_url is None and api_url is None:
        database_url = DevFiles(data_dir).running_database()
    with ExitStack() as stack:
        api = stack.enter_context(connect(api_url, api_key, data_dir))
        views = None
        if database_url is not None:
            try:
                views = stack.enter_context(Views(database_url))
            except (PerdureError, psycopg.Error) as error:
                say(f"Executions and waits are not shown: {describe(error)}")
        yield api, views


def _look(api: ApiClient, views: Views | None, run_id: str) -> RunView:
    found = views.find_run(run_id) if views else None
    return found or view_run(fetch_run(api, run_id))


def _show(api: ApiClient, views: Views | None, run: RunView, *, as_json: bool) -> None:
    if as_json:
        shown = fetch_run(api, run.id)
        print_json({**shown, "executions": views.executions(run.id)} if views else shown)
        return
    for line in draw_run(run, datetime.now(UTC)):
        print_data(line)


def _tell(line: str) -> None:
    say(f"{datetime.now().astimezone():%H:%M:%S}  {line}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(runs, name="runs")
