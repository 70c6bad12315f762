"""One session of ``perdure dev``: start everything, tell what runs where, and follow the app's code."""

from __future__ import annotations

import os
import queue
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.pool import Connection
from perdure_engine.sealing import SETTING
from perdure_server.cli.api_client import ApiClient
from perdure_server.cli.dashboard import make_link, make_owner
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.dev_failures import InternalFailures
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.dev_screen import Screen
from perdure_server.cli.endpoints import describe_index, find_endpoint, register_endpoint
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.first_event import find_first_event
from perdure_server.cli.http_server import listen_or_refuse
from perdure_server.cli.local.app_child import RunningApp, StartingApp, start_app
from perdure_server.cli.local.code_watch import watch_code
from perdure_server.cli.local.platform import LocalPerdure, prepare_database
from perdure_server.cli.local.processes import Family
from perdure_server.cli.output import print_data, say, step

_ORGANIZATION = "local"
_TICK_S = 0.2
_STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class DevSettings:
    """What ``perdure dev`` is told; the arguments of the command."""

    target: str
    port: int
    app_port: int
    public_url: str | None
    path: str
    data_dir: Path
    database_url: str | None
    api_key: str | None
    project: str
    watched: tuple[Path, ...]
    open_browser: bool
    log_level: str


class DevSession:
    """Everything that one ``perdure dev`` runs.

    Args:
        hurry: asked while it stops; true: kill what is left.
    """

    def __init__(self, settings: DevSettings, *, hurry: Callable[[], bool]) -> None:
        self._settings = settings
        self._files = DevFiles(settings.data_dir)
        self._key = settings.api_key or self._files.ensure_key()
        self._app: RunningApp
        self._endpoint_id: str
        self._family = Family(on_line=_show_line, hurry=hurry, stop_timeout_s=_STOP_TIMEOUT_S)
        self._url = f"http://127.0.0.1:{settings.port}"
        self._app_url = f"http://127.0.0.1:{settings.app_port}{settings.path}"
        self._variables = {
            **os.environ,
            "PERDURE_API_URL": self._url,
            "PERDURE_API_KEY": self._key,
        }

    def run(self) -> None:
        """Run until told to stop.

        Raises:
            StopRequested: somebody wants us to stop; everything has been stopped.
            CommandFailed: something could not be started, or ended by itself; likewise.
        """
        settings = self._settings
        with ExitStack() as stack:
            listen_or_refuse("127.0.0.1", settings.port).close()  # say so before anything is started
            listener = stack.enter_context(closing(listen_or_refuse("127.0.0.1", settings.app_port)))
            stack.enter_context(self._family)
            starting = self._start_app(listener)
            database_url = stack.enter_context(self._database())
            stack.callback(self._family.close)  # before Postgres, which the others still use
            with step("perdure dev: preparing the database"):
                prepare_database(
                    database_url,
                    organization=_ORGANIZATION,
                    project=settings.project,
                    key=self._key,
                    echo=_ignore,
                )
                run_in_database(database_url, OWNER, make_owner)
            local = LocalPerdure(
                self._family,
                database_url,
                settings.port,
                {**self._variables, SETTING: os.environ.get(SETTING) or self._files.ensure_secret_key()},
                public_url=settings.public_url,
                log_level=settings.log_level,
            )
            # before the server, which indexes a connected app, and has its webhooks registered, at once
            failures = stack.enter_context(InternalFailures(database_url, settings.project))
            with step("perdure dev: starting the server and the app"):
                local.start_server()
                self._app = starting.wait()
                local.wait_until_ready()
                local.start_dispatcher()
                self._files.write_url(self._url)
                api = stack.enter_context(ApiClient(self._url, self._key))
                jobs = self._register(api, self._app)
            self._show(database_url, jobs)
            self._follow_code(api, listener, failures)

    @contextmanager
    def _database(self) -> Iterator[str]:
        if self._settings.database_url:
            yield self._settings.database_url
            return
        folder = self._files.postgres_folder
        postgres = EmbeddedPostgres(folder)
        is_new = not folder.is_dir()
        with ExitStack() as stack:
            with step(
                f"perdure dev: {'making a Postgres in' if is_new else 'starting Postgres in'} {folder}"
            ):
                stack.enter_context(postgres)
            yield postgres.url()

    def _start_app(self, listener: socket.socket) -> StartingApp:
        return start_app(
            self._family, self._settings.target, listener, variables=self._variables, connect=True
        )

    def _register(self, api: ApiClient, app: RunningApp) -> str:
        """See to it that the app's jobs are known; tells what it has."""
        if app.connected_as is not None:  # it has said itself what it has
            self._endpoint_id = app.connected_as
            return describe_index(find_endpoint(api, app.connected_as)["lastIndex"])
        try:
            endpoint = register_endpoint(api, None, self._app_url)
        except CommandFailed as error:
            raise CommandFailed(
                f"{error.text}\n{self._settings.target} has to serve Perdure at {self._settings.path}: "
                "where it has mounted it elsewhere, give that --path."
            ) from error
        self._endpoint_id = endpoint["slug"]
        return describe_index(endpoint["endpointIndex"])

    def _follow_code(self, api: ApiClient, listener: socket.socket, failures: InternalFailures) -> None:
        with watch_code(self._settings.watched) as changes:
            while True:
                self._family.check()
                for line in failures.new():
                    say(f"perdure dev: {line}")
                try:
                    changed = changes.get(timeout=_TICK_S)
                except queue.Empty:
                    continue
                if isinstance(changed, CommandFailed):
                    raise changed
                say(f"perdure dev: {_names(changed)} changed; loading the app anew …")
                self._reload(api, listener)

    def _reload(self, api: ApiClient, listener: socket.socket) -> None:
        try:
            new = self._start_app(listener).wait()
        except CommandFailed as error:
            self._family.check()  # the death of another than the new app is the end
            say(f"perdure dev: {error.text}")
            say("perdure dev: the app goes on as it was. Mend it, and it is loaded anew.")
            return
        self._family.stop(self._app.child)
        self._app = new
        try:
            say(f"perdure dev: loaded: {self._register(api, new)}")
        except CommandFailed as error:
            say(f"perdure dev: {error.text}")
            say("perdure dev: the jobs known before stay. Mend it, and they are read anew.")

    def _show(self, database_url: str, jobs: str) -> None:
        settings = self._settings
        how = "is connected" if self._app.connected_as is not None else f"is at {self._app_url}"
        key = f"in {self._files.key_file}" if settings.api_key is None else "from PERDURE_API_KEY"

        async def make(conn: Connection) -> str:
            return await make_link(conn, self._url, settings.project, "dev")

        link = run_in_database(database_url, OWNER, make)
        screen = Screen(
            link=link,
            app=f"{settings.target} {how} ({self._endpoint_id}: {jobs})",
            server=self._url,
            webhooks=f"{settings.public_url or self._url}/api/v1/sources/…",
            key=f"{self._key[:11]}… ({key})",
            postgres="the one that was given" if settings.database_url else _psql(database_url),
            event=find_first_event(database_url, settings.project, self._endpoint_id),
        )
        for line in screen.lines():
            print_data(line)
        if settings.open_browser:
            webbrowser.open(link)


def _psql(url: str) -> str:
    """How to look into the embedded Postgres."""
    where = conninfo_to_dict(url)
    port = f" -p {where['port']}" if where.get("port", "5432") != "5432" else ""
    return f"psql -h {where['host']} -U {where['user']}{port}"


def _show_line(name: str, line: str) -> None:
    if name == "server" and line.startswith("perdure serve: http"):
        return  # the screen says it
    say(f"{name:<10} | {line}")


def _ignore(_line: str) -> None:
    pass


def _names(paths: set[Path]) -> str:
    shown = sorted(os.path.relpath(path) for path in paths)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
