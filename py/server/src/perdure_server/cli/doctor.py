"""``perdure doctor``: look for rows that would wait for ever."""

from __future__ import annotations

from dataclasses import asdict

import typer

from perdure_engine import maintenance
from perdure_server.cli.database import SERVER, database_of, run_in_database
from perdure_server.cli.options import DEFAULT_DATA_DIR, AsJson, DataDir, OptionalDatabaseUrl
from perdure_server.cli.output import print_data, print_json, say


def doctor(
    database_url: OptionalDatabaseUrl = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Look for rows that would wait for ever.

    Prints what is wrong with each and how to mend it, in SQL for the role perdure_owner. Exit status 1 when
    there are any.
    """
    findings = run_in_database(database_of(database_url, data_dir), SERVER, maintenance.doctor)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print_data(f"{finding.problem}: {finding.subject}\n  {finding.detail}\n  fix: {finding.fix}")
    if findings:
        say(f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}.")
        raise typer.Exit(1)
    say("All is well.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(doctor)
