"""Options that several commands have; each can come from the environment, too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATABASE_VARIABLES = ["PERDURE_DATABASE_URL", "DATABASE_URL"]
DEFAULT_DATA_DIR = Path(".perdure")
DEFAULT_PROJECT = "local"  # that of `perdure dev`


def _required(url: str) -> str:
    if not url:
        raise typer.BadParameter(
            "give the Postgres that is meant, such as postgresql://user@host:5432/name, "
            "here or as PERDURE_DATABASE_URL or DATABASE_URL",
            param_hint="--database-url",
        )
    return url


DatabaseUrl = Annotated[
    str,
    typer.Option(
        "--database-url",
        envvar=DATABASE_VARIABLES,
        help="The Postgres that Perdure is installed in: postgresql://user@host:5432/name.",
        show_default=False,
        callback=_required,
    ),
]
OptionalDatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar=DATABASE_VARIABLES,
        help="The Postgres that Perdure is installed in: postgresql://user@host:5432/name.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", envvar="PERDURE_JSON", help="Print JSON.")]
ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        envvar="PERDURE_API_URL",
        help="The Perdure server; without it the one of `perdure dev` on its usual port.",
        show_default=False,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        envvar="PERDURE_API_KEY",
        help="A secret key, better given by the variable; without it the key of `perdure dev` here.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="PERDURE_DATA_DIR", help="Where `perdure dev` keeps its files."),
]
Take = Annotated[int, typer.Option(envvar="PERDURE_TAKE", min=1, max=50, help="Most of them.")]
Cursor = Annotated[
    str | None,
    typer.Option(envvar="PERDURE_CURSOR", help="Where to go on, from the page before.", show_default=False),
]
EnvironmentSlug = Annotated[
    str, typer.Option("--environment", envvar="PERDURE_ENVIRONMENT", help="dev, stg, prod or prev.")
]
ProjectSlug = Annotated[str, typer.Option("--project", envvar="PERDURE_PROJECT", help="The project's slug.")]
