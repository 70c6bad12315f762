"""``perdure keys``: make and revoke API keys; for administrators, in the database."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perdure_engine import environments
from perdure_engine.errors import NotFound
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import DEFAULT_PROJECT, AsJson, DatabaseUrl, EnvironmentSlug, ProjectSlug
from perdure_server.cli.output import print_data, print_json, say

keys = typer.Typer(no_args_is_help=True, help="Make and revoke API keys, in the database.")


@keys.command()
def create(
    database_url: DatabaseUrl = "",
    project: ProjectSlug = DEFAULT_PROJECT,
    environment: EnvironmentSlug = "dev",
    public: Annotated[
        bool,
        typer.Option("--public", envvar="PERDURE_PUBLIC", help="A key for browsers, which may only read."),
    ] = False,
    organization: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_ORGANIZATION",
            help="Make the project in this organization, if it is not there yet.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key of an environment and print it. It is shown this once only."""

    async def make(conn: Connection) -> tuple[str, str]:
        if organization is not None:
            await environments.create_project(conn, organization, project)
        try:
            environment_id = await environments.get_environment(conn, project, environment)
        except NotFound as error:
            raise CommandFailed(
                f"{error.message}.\nGive a project that exists (--project) and dev, stg, prod or prev "
                "(--environment); --organization NAME makes the project if it is not there yet."
            ) from error
        return environment_id, await environments.create_api_key(
            conn, environment_id, "PUBLIC" if public else "SECRET"
        )

    environment_id, key = run_in_database(database_url, OWNER, make)
    if as_json:
        print_json({"key": key, "environmentId": environment_id})
    else:
        print_data(key)
    say(
        f"A {'public' if public else 'secret'} key of {project}/{environment}. "
        "Keep it now: it is not shown again."
    )


@keys.command()
def revoke(
    database_url: DatabaseUrl = "",
    key: Annotated[
        str,
        typer.Argument(
            envvar="PERDURE_REVOKED_KEY", help="The key; - reads it from standard input.", show_default=False
        ),
    ] = "-",
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on."""
    if key == "-" and sys.stdin.isatty():
        say("The key to revoke:")
    clear = sys.stdin.readline().strip() if key == "-" else key

    async def refuse(conn: Connection) -> bool:
        return await environments.revoke_api_key(conn, clear)

    revoked = run_in_database(database_url, OWNER, refuse)
    if as_json:
        print_json({"revoked": revoked})
    if not revoked:
        raise CommandFailed("there is no such key in force, so nothing was changed. Is it the whole key?")
    say("The key is refused from now on.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(keys, name="keys")
