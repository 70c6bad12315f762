"""``perdure uninstall``: take everything of ours out of a database."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perdure_engine import migrator
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import AsJson, DatabaseUrl
from perdure_server.cli.output import print_json, say


def uninstall(
    database_url: DatabaseUrl = "",
    yes: Annotated[bool, typer.Option("--yes", envvar="PERDURE_YES", help="Do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove Perdure from a database.

    Its schemas go, with every job, event and run, its queue, and its roles as far as nothing else needs them.
    """
    _ask(yes)
    report = migrator.uninstall(database_url, echo=say)
    if as_json:
        print_json({"removed": report.removed, "kept": report.kept})
    if not report.removed:
        say("There was nothing of Perdure in this database.")


def _ask(yes: bool) -> None:
    what = "this removes Perdure from the database, with every job, event and run"
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what}; nothing was changed. Say --yes if that is what you want.")
    if not typer.confirm(f"{what[0].upper()}{what[1:]}. Go on?", err=True):
        raise CommandFailed("nothing was changed.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(uninstall)
