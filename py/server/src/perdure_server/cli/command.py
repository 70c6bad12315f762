"""The command line as a whole: its subcommands, and how failures are shown."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from perdure_server.cli import (
    dashboard,
    dev,
    dispatcher,
    doctor,
    endpoints,
    events,
    init,
    jobs,
    keys,
    migrate,
    reset_password,
    runs,
    schedules,
    secret_key,
    serve,
    trigger,
    uninstall,
)
from perdure_server.cli.failures import describe
from perdure_server.cli.output import print_data, say

SECTIONS = (
    init,
    dev,
    dashboard,
    trigger,
    migrate,
    serve,
    dispatcher,
    doctor,
    uninstall,
    secret_key,
    reset_password,
    runs,
    events,
    jobs,
    schedules,
    endpoints,
    keys,
)

app = typer.Typer(
    name="perdure",
    help="Durable background jobs in Postgres.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_data(version("perdure-server"))
        raise typer.Exit


@app.callback()
def _perdure(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    pass


for section in SECTIONS:
    section.add_to(app)


def run() -> None:
    """Run the command line and end the process: 0 done, 1 refused or failed, 2 wrong usage."""
    try:
        app()
    except Exception as error:
        text = describe(error)
        if text is None:
            raise
        say(f"perdure: {text}")
        sys.exit(1)
