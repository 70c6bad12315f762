"""``perdure dev``: everything on this machine, for the developer of an app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perdure_server.cli.api_client import DEFAULT_PORT
from perdure_server.cli.dashboard import OpenBrowser
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.logs import LogLevel
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    DataDir,
    OptionalDatabaseUrl,
    ProjectSlug,
)
from perdure_server.cli.output import say


def dev(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:APP",
            envvar="PERDURE_APP",
            help="Where the app is: a perdure.Perdure or an ASGI app.",
        ),
    ],
    port: Annotated[
        int, typer.Option(envvar="PERDURE_PORT", min=1, max=65535, help="The server's port.")
    ] = DEFAULT_PORT,
    app_port: Annotated[
        int | None,
        typer.Option(
            envvar="PERDURE_APP_PORT",
            min=1,
            max=65535,
            help="The app's port; without it the next one.",
            show_default=False,
        ),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_PUBLIC_URL",
            help="Where a tunnel makes the server reachable for webhooks; without it only this machine can.",
            show_default=False,
        ),
    ] = None,
    path: Annotated[
        str,
        typer.Option(envvar="PERDURE_PATH", help="Where an ASGI app has mounted Perdure (`app.asgi()`)."),
    ] = "/api/perdure",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database_url: OptionalDatabaseUrl = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_API_KEY",
            help="The development key, tr_dev_…; without it one is made and kept in the data dir.",
            show_default=False,
        ),
    ] = None,
    project: ProjectSlug = DEFAULT_PROJECT,
    watch: Annotated[
        list[Path] | None,
        typer.Option(
            envvar="PERDURE_WATCH",
            help="Folders whose Python files are watched; without it this one.",
            show_default=False,
        ),
    ] = None,
    open_browser: OpenBrowser = False,
    log_level: LogLevel = "warning",
) -> None:
    """Run everything for the developer of an app.

    Postgres, server, dispatcher and the app itself, which is loaded anew whenever its code changes. Without a
    database URL an embedded PostgreSQL keeps its data in the data dir. Ctrl-C stops everything; twice, at
    once.
    """
    # here: the other commands start faster without it
    from perdure_server.cli.dev_session import DevSession, DevSettings
    from perdure_server.cli.local.stop_signals import StopRequested, StopSignals

    module, _, name = target.partition(":")
    if not module or not name:
        raise typer.BadParameter(
            "give MODULE:APP, such as shop:app for `app` in shop.py", param_hint="MODULE:APP"
        )
    if api_key is not None and not api_key.startswith("tr_dev_"):
        raise CommandFailed(
            "PERDURE_API_KEY is no development key (tr_dev_…): unset it, and one is made here."
        )
    settings = DevSettings(
        target=target,
        port=port,
        app_port=app_port or port + 1,
        public_url=public_url,
        path="/" + path.lstrip("/"),
        data_dir=data_dir,
        database_url=database_url,
        api_key=api_key,
        project=project,
        watched=tuple(watch or (Path(),)),
        open_browser=open_browser,
        log_level=log_level,
    )
    with StopSignals() as signals:
        try:
            DevSession(settings, hurry=signals.hurry).run()
        except StopRequested:
            say("perdure dev: stopped.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(dev)
