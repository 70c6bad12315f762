"""``perdure dispatcher``: claim ready runs and call the apps."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from perdure_dispatcher.settings import Settings
from perdure_engine import maintenance
from perdure_server.cli.database import DISPATCHER, run_in_database
from perdure_server.cli.logs import LogLevel, log_to_stderr
from perdure_server.cli.options import DatabaseUrl


def dispatcher(
    database_url: DatabaseUrl = "",
    slots: Annotated[
        int, typer.Option(envvar="PERDURE_SLOTS", min=1, help="Most executions at the same time.")
    ] = 50,
    delivery_slots: Annotated[
        int,
        typer.Option(
            envvar="PERDURE_DELIVERY_SLOTS", min=1, help="Most requests beside executions at the same time."
        ),
    ] = 10,
    name: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_DISPATCHER_NAME",
            help="Who holds its leases, for people who look; without it host:process:random.",
            show_default=False,
        ),
    ] = None,
    drain_s: Annotated[
        float,
        typer.Option(
            envvar="PERDURE_DRAIN_S",
            min=0,
            help="Seconds that executions in flight may take when told to stop.",
        ),
    ] = 25.0,
    log_level: LogLevel = "info",
) -> None:
    """Claim ready runs and call the apps. Any number may run side by side; each may be killed at any moment.

    SIGTERM ends it after the executions in flight; exit status 1 when some had to be left to their leases.
    """
    from perdure_dispatcher.main import run  # here: the other commands start faster without it

    log_to_stderr(log_level)
    given = {
        "PERDURE_DATABASE_URL": database_url,
        "PERDURE_SLOTS": str(slots),
        "PERDURE_DELIVERY_SLOTS": str(delivery_slots),
        "PERDURE_DISPATCHER_NAME": name or "",
        "PERDURE_DRAIN_S": str(drain_s),
    }
    settings = Settings.from_environment({**os.environ, **given})
    # A first look by hand: the dispatcher itself would try again for ever in a database that is not migrated.
    run_in_database(database_url, DISPATCHER, maintenance.promote_due)
    raise typer.Exit(run(settings))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(dispatcher)
