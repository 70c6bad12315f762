"""``perdure schedules``: look at the schedules of an environment, let them fire or not; in the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from perdure_engine import environments
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    AsJson,
    DataDir,
    EnvironmentSlug,
    OptionalDatabaseUrl,
    ProjectSlug,
)
from perdure_server.cli.output import duration, local_time, print_json, print_table, say
from perdure_server.cli.views import Views

schedules = typer.Typer(
    no_args_is_help=True, help="Look at schedules, let them fire or not, in the database."
)

_ENVIRONMENT = """
select id, schedules_enabled from perdure_views.environments where project = %s and slug = %s
"""
_SCHEDULES = """
select
    key, job, dynamic_schedule, type, seconds, cron, time_zone, account, active, due_at, last_fired_at,
    problem
from perdure_views.schedules where environment_id = %s order by due_at, key
"""


@schedules.command()
def on(
    project: ProjectSlug = DEFAULT_PROJECT,
    environment: EnvironmentSlug = "dev",
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Let the schedules of an environment fire; those that did not so far begin now."""
    count = _switch(_database(database_url, data_dir), project, environment, enabled=True)
    if as_json:
        print_json({"enabled": True, "active": count})
    say(f"{_count(count)} in {project}/{environment} from now on.")


@schedules.command()
def off(
    project: ProjectSlug = DEFAULT_PROJECT,
    environment: EnvironmentSlug = "dev",
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Let no schedule of an environment fire. Runs that have begun go on."""
    count = _switch(_database(database_url, data_dir), project, environment, enabled=False)
    if as_json:
        print_json({"enabled": False, "active": count})
    say(f"No schedule fires in {project}/{environment} from now on.")


@schedules.command("list")
def list_schedules(
    project: ProjectSlug = DEFAULT_PROJECT,
    environment: EnvironmentSlug = "dev",
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List the schedules of an environment, the next to fire first."""
    with Views(_database(database_url, data_dir)) as views:
        found = views.rows(_ENVIRONMENT, project, environment)
        if not found:
            raise CommandFailed(
                f"there is no environment {environment!r} in project {project!r}.\n"
                "Give a project that exists (--project) and dev, stg, prod or prev (--environment)."
            )
        rows = views.rows(_SCHEDULES, found[0]["id"])
    if as_json:
        print_json({"enabled": found[0]["schedules_enabled"], "schedules": rows})
    elif rows:
        titles = ("key", "starts", "fires", "next", "last")
        print_table(titles, [_cells(row) for row in rows])
    else:
        say("No job has a schedule in this environment.")
    if not found[0]["schedules_enabled"]:
        say(f"Schedules do not fire in {project}/{environment}. To let them: perdure schedules on")


def _database(url: str | None, data_dir: Path) -> str:
    found = url or DevFiles(data_dir).running_database()
    if found is None:
        raise CommandFailed(
            "give the Postgres that is meant (--database-url or PERDURE_DATABASE_URL), or call this where "
            "`perdure dev` runs."
        )
    return found


def _switch(url: str, project: str, environment: str, *, enabled: bool) -> int:
    async def switch(conn: Connection) -> int:
        environment_id = await environments.get_environment(conn, project, environment)
        return await environments.set_schedules_enabled(conn, environment_id, enabled)

    return run_in_database(url, OWNER, switch)


def _count(count: int) -> str:
    return "1 schedule fires" if count == 1 else f"{count} schedules fire"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["type"] == "interval":
        fires = f"every {duration(row['seconds'])}"
    else:
        fires = row["cron"] if row["time_zone"] == "UTC" else f"{row['cron']} {row['time_zone']}"
    coming = local_time(row["due_at"]) if row["active"] else row["problem"] or "off"
    starts = row["job"] or f"jobs of {row['dynamic_schedule']}"
    return row["key"], starts, fires, coming, local_time(row["last_fired_at"])


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(schedules, name="schedules")
