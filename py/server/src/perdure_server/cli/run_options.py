"""Options of the commands that list runs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from perdure_server.cli.completion import job_ids

OfJob: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="PERDURE_JOB",
        help="Only runs of the job with this id.",
        show_default=False,
        autocompletion=job_ids,
    ),
]
WithTags: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        envvar="PERDURE_TAG",
        help="Only runs with this tag; given several times, with all of them.",
        show_default=False,
    ),
]
