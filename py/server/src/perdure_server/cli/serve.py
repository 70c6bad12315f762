"""``perdure serve``: the HTTP API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from perdure_server.cli.logs import LogLevel, log_to_stderr
from perdure_server.cli.options import DatabaseUrl
from perdure_server.cli.output import say
from perdure_server.settings import Settings

if TYPE_CHECKING:
    from perdure_server.app import ServerApp
    from perdure_server.cli.dispatching import Dispatching


def serve(
    database_url: DatabaseUrl = "",
    host: Annotated[str, typer.Option(envvar="PERDURE_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PERDURE_PORT", min=0, max=65535, help="The port to listen on; 0 takes any.")
    ] = 8030,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_PUBLIC_URL",
            help="Where the world reaches this server, such as https://jobs.example.com: "
            "providers send their webhooks there.",
            show_default=False,
        ),
    ] = None,
    pool_size: Annotated[
        int, typer.Option(envvar="PERDURE_POOL_SIZE", min=1, help="Most connections to Postgres.")
    ] = 10,
    access_log: Annotated[
        bool, typer.Option(envvar="PERDURE_ACCESS_LOG", help="Write a line for each request.")
    ] = True,
    rate_limit: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_RATE_LIMIT",
            help="A limit on the requests of each API key, such as 750+250/10s: 750 at once, and 250 more "
            "every 10 seconds. Without it there is none.",
            show_default=False,
        ),
    ] = None,
    dispatch: Annotated[
        bool,
        typer.Option(
            "--dispatch",
            envvar="PERDURE_DISPATCH",
            help="Be a dispatcher, too: one process for everything, in which runs begin sooner. What "
            "`perdure dispatcher` is told by PERDURE_SLOTS and the like counts here.",
        ),
    ] = False,
    drain_s: Annotated[
        float,
        typer.Option(
            envvar="PERDURE_DRAIN_S",
            min=0,
            help="Seconds that executions and requests under way may take when told to stop.",
        ),
    ] = 25.0,
    log_level: LogLevel = "info",
) -> None:
    """Serve the HTTP API and take webhooks. SIGTERM ends it after what is under way."""
    from perdure_server.app import create_app  # here: the other commands start faster without it
    from perdure_server.cli.http_server import HttpServer, listen_or_refuse
    from perdure_server.cli.step_requests import StepRequests

    log_to_stderr(log_level)
    given = {
        "PERDURE_DATABASE_URL": database_url,
        "PERDURE_PUBLIC_URL": public_url or "",
        "PERDURE_POOL_SIZE": str(pool_size),
        "PERDURE_ACCESS_LOG": "1" if access_log else "0",
        "PERDURE_RATE_LIMIT": rate_limit or "",
        "PERDURE_DRAIN_S": str(drain_s),
    }
    variables = {**os.environ, **given}
    app = create_app(Settings.from_environment(variables))
    dispatching = _dispatching(variables) if dispatch else None
    listener = listen_or_refuse(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    HttpServer(
        app,
        listener,
        lifespan=_ready(app, url, dispatching),
        drain_s=drain_s,
        on_started=lambda: say(f"perdure serve: {url}"),
        on_stopping=lambda: app.services.stopping.set(),
        shortcut=StepRequests(app),
        drain=dispatching.drain if dispatching else None,
    ).run()


def _dispatching(variables: Mapping[str, str]) -> Dispatching:
    from perdure_dispatcher.settings import Settings as DispatcherSettings
    from perdure_server.cli.dispatching import Dispatching

    return Dispatching(DispatcherSettings.from_environment(variables))


@asynccontextmanager
async def _ready(app: ServerApp, url: str, dispatching: Dispatching | None) -> AsyncIterator[None]:
    """The app's start and end; refuses a database that is not migrated, where it would only answer 503."""
    from perdure_server.dashboard.first_start import owner_link

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        await app.services.check_ready()
        if dispatching is not None:
            await stack.enter_async_context(dispatching.beside(app.services))
        if (link := await owner_link(app.services, url)) is not None:
            say(f"perdure serve: make the first account of the dashboard, once, within a day: {link}")
        yield


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(serve)
