"""``perdure dashboard``: a link that logs in, for who may do everything in the database anyway."""

from __future__ import annotations

import json
import secrets
import webbrowser
from typing import Annotated

import typer

from perdure_engine import environments, first_owner, login_links
from perdure_engine.errors import WrongState
from perdure_engine.pool import Connection
from perdure_server.cli.api_client import DEFAULT_URL
from perdure_server.cli.database import OWNER, database_of, run_in_database
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    ApiUrl,
    AsJson,
    DataDir,
    EnvironmentSlug,
    OptionalDatabaseUrl,
    ProjectSlug,
)
from perdure_server.cli.output import print_data, print_json, say

OpenBrowser = Annotated[
    bool, typer.Option("--open", envvar="PERDURE_OPEN", help="Open the dashboard in a browser, too.")
]
_DEVELOPER = ("developer@localhost", "Developer")  # email and name of the owner that `perdure dev` makes


def dashboard(
    project: ProjectSlug = DEFAULT_PROJECT,
    environment: EnvironmentSlug = "dev",
    open_browser: OpenBrowser = False,
    api_url: ApiUrl = None,
    database_url: OptionalDatabaseUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Print a link that logs in to the dashboard.

    It does so as the first owner, once, within a quarter of an hour.
    """
    url = api_url or DevFiles(data_dir).read_url() or DEFAULT_URL

    async def make(conn: Connection) -> str:
        try:
            return await make_link(conn, url, project, environment)
        except WrongState as error:
            raise CommandFailed(
                f"{error.message}. The first owner is made by the link that the server prints at its start."
            ) from error

    link = run_in_database(database_of(database_url, data_dir), OWNER, make)
    if as_json:
        print_json({"link": link})
    else:
        print_data(link)
    say("It logs you in as the first owner: once, and within 15 minutes.")
    if open_browser:
        webbrowser.open(link)


async def make_owner(conn: Connection) -> None:
    """Make the account of a developer on their own machine, if there is no owner yet; no password fits it."""
    from perdure_server.dashboard import passwords  # here: the other commands start faster without it

    secret = await first_owner.create_owner_link(conn)
    if secret is not None:
        email, name = _DEVELOPER
        hashed = await passwords.hash_password(secrets.token_urlsafe(32))
        await first_owner.create_owner(
            conn, secret, email=email, name=name, password_hash=hashed, organization="local"
        )


async def make_link(conn: Connection, url: str, project: str, environment: str) -> str:
    """A link that logs the first owner in, to the overview of an environment.

    Args:
        conn: as ``perdure_owner``.
        url: of the server.
        project: slug of a project.
        environment: slug of one of its environments.
    Raises:
        NotFound: there is no such project or environment.
        WrongState: there is no owner.
    """
    from perdure_server.dashboard import paths  # here: likewise

    environment_id = await environments.get_environment(conn, project, environment)
    described = json.loads(await environments.describe_environment(conn, environment_id))
    path = paths.environment_path(described["organization"]["slug"], project, environment)
    secret = await login_links.create_login_link(conn, path)
    return url.rstrip("/") + paths.with_query(paths.ENTER, link=secret)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(dashboard)
