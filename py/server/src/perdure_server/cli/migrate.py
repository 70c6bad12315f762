"""``perdure migrate``: bring a database to this release."""

from __future__ import annotations

from typing import Annotated

import typer

from perdure_engine import migrator
from perdure_server.cli.options import AsJson, DatabaseUrl
from perdure_server.cli.output import print_data, print_json, say


def migrate(
    database_url: DatabaseUrl = "",
    dry_run: Annotated[
        bool,
        typer.Option("--print", envvar="PERDURE_PRINT", help="Print the SQL that would run; change nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a database to this release's schema.

    PostgreSQL 14 or newer, as a login that may create roles. Run it again at any time: what is there already
    is left as it is.
    """
    report = migrator.migrate(
        database_url, dry_run=dry_run, echo=print_data if dry_run and not as_json else say
    )
    if as_json:
        print_json(
            {
                "database": report.database,
                "serverVersion": report.server_version,
                "steps": report.steps,
                "changed": report.changed and not dry_run,
            }
        )
    where = f"{report.database} (PostgreSQL {report.server_version})"
    if not report.changed:
        say(f"{where} is current; nothing to do.")
    elif dry_run:
        say(f"{where} needs {_count(report)}; nothing was changed.")
    else:
        say(f"{where} is current after {_count(report)}.")


def _count(report: migrator.Report) -> str:
    return "1 step" if len(report.steps) == 1 else f"{len(report.steps)} steps"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(migrate)
