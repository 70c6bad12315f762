"""``perdure reset-password``: a link by which somebody chooses another password; for administrators."""

from __future__ import annotations

from typing import Annotated

import typer

from perdure_engine import password_resets
from perdure_engine.errors import NotFound, WrongState
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import AsJson, DatabaseUrl
from perdure_server.cli.output import print_data, print_json, say


def reset_password(
    email: Annotated[str, typer.Argument(envvar="PERDURE_EMAIL", help="Of the account.", show_default=False)],
    database_url: DatabaseUrl = "",
    public_url: Annotated[
        str, typer.Option(envvar="PERDURE_PUBLIC_URL", help="Where browsers reach the server.")
    ] = "http://127.0.0.1:8030",
    as_json: AsJson = False,
) -> None:
    """Make a link by which somebody chooses another password for the dashboard, and print it.

    It holds for a day and is used once.
    """
    from perdure_server.dashboard import paths  # here: the other commands start faster without it

    async def make(conn: Connection) -> str:
        try:
            return await password_resets.issue_password_reset(conn, email)
        except (NotFound, WrongState) as error:
            raise CommandFailed(f"{error.message}, so there is no password to reset.") from error

    secret = run_in_database(database_url, OWNER, make)
    link = public_url.rstrip("/") + paths.with_query(paths.PASSWORD_RESET, link=secret)
    if as_json:
        print_json({"email": email, "link": link})
    else:
        print_data(link)
    say(f"Send it to {email}: it is used once, within a day.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("reset-password")(reset_password)
