"""What examples are run on: an embedded Postgres, server, dispatcher and the example's app, each a process.

``make example NAME=order_pipeline`` runs one; its ``__main__.py`` says what happens there.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from examples.github_reminder.demo_story import Story
from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from perdure_server.cli.api_client import ApiClient
from perdure_server.cli.endpoints import describe_index, register_endpoint
from perdure_server.cli.failures import CommandFailed, describe
from perdure_server.cli.local.app_child import start_app
from perdure_server.cli.local.platform import LocalPerdure, prepare_database
from perdure_server.cli.local.ports import free_port, listen
from perdure_server.cli.local.processes import Child, Family
from perdure_server.cli.local.stop_signals import StopRequested, StopSignals
from perdure_server.cli.run_progress import RunProgress
from perdure_server.cli.run_view import RunView
from perdure_server.cli.views import Views

ROOT = Path(__file__).resolve().parents[1]
RUN_TIMEOUT_S = 90.0


class Stage:
    """Everything that runs, and what an example's story does with it.

    Args:
        app_url: where the example's app listens.
    """

    def __init__(
        self, family: Family, story: Story, api: ApiClient, views: Views, app: Child, app_url: str
    ) -> None:
        self._family = family
        self._story = story
        self._views = views
        self.api = api
        self.app = app
        self.http = httpx.Client(base_url=app_url, timeout=30, trust_env=False)
        """Requests to the example's app, as its users make them."""

    def tell(self, text: str) -> None:
        """Print a line."""
        self._story.line(text)

    def send_event(self, name: str, payload: Any) -> str:
        """Send an event; returns the id of the run that it started."""
        event = self.api.post("/api/v1/events", {"event": {"name": name, "payload": payload}})
        self.tell(f"event {name} {payload}")
        return self.run_of(event["id"])

    def run_of(self, event_id: str) -> str:
        """The run that an event started."""

        def look() -> str | None:
            rows = self._views.rows("select id from perdure_views.runs where event = %s", event_id)
            return str(rows[0]["id"]) if rows else None

        found = self._family.wait_until(look, timeout_s=RUN_TIMEOUT_S, what=f"the run of event {event_id}")
        return found or ""

    def invoke(self, job_id: str, payload: Any) -> str:
        """Start a job; returns the run's id."""
        run: dict[str, str] = self.api.post(f"/api/v1/jobs/{job_id}/invoke", {"payload": payload})
        return run["id"]

    def wait_for_line(self, part: str) -> str:
        """Wait until the app prints a line with this in it."""
        return self.app.wait_for_line(lambda line: part in line, timeout_s=RUN_TIMEOUT_S)

    def finish(self, run_id: str, *, expect: str = "SUCCESS") -> Any:
        """Tell how a run goes on until it has ended; returns its output.

        Raises:
            CommandFailed: it ended otherwise than expected.
        """
        progress = RunProgress()

        def look() -> RunView | None:
            run = self._views.find_run(run_id)
            if run is None:
                return None
            for line in progress.changes(run):
                self.tell(f"  {line}")
            return run if run.is_final else None

        run = self._family.wait_until(look, timeout_s=RUN_TIMEOUT_S, what=f"the end of run {run_id}")
        if run is None or run.status != expect:
            raise CommandFailed(f"run {run_id} did not end {expect}: {run}")
        return run.output

    def expect(self, found: Any, wanted: Any) -> None:
        """Make sure that something came out as it should.

        Raises:
            CommandFailed: it did not.
        """
        if found != wanted:
            raise CommandFailed(f"{found!r} came out, not {wanted!r}")


def run_example(
    play: Callable[[Stage], None],
    *,
    target: str | None = None,
    command: Sequence[str] = (),
    path: str = "/",
    variables: Mapping[str, str] | None = None,
) -> int:
    """Start everything, play, and stop it; returns the exit status.

    Args:
        play: what happens; raises when it does not go as it should.
        target: an ASGI app as ``module:app``.
        command: instead, what starts the app's server; ``{port}`` in it is the port.
        path: where in the app Perdure's endpoint is.
        variables: settings of the app.
    """
    arguments = _parser().parse_args()
    story = Story()
    story.heading("Everything starts")
    with StopSignals() as signals, tempfile.TemporaryDirectory(prefix="perdure-example-") as folder:
        log_path = Path(folder) / "processes.log"
        try:
            with (
                log_path.open("w", encoding="utf-8") as log,
                _database(arguments.database_url, Path(folder)) as database_url,
                Family(
                    on_line=lambda name, line: print(f"{name}: {line}", file=log, flush=True),
                    hurry=signals.hurry,
                ) as family,
                _stage(family, story, database_url, target, command, path, variables or {}) as stage,
            ):
                story.heading("What happens")
                play(stage)
        except StopRequested:
            story.end("stopped", good=False)
            return 1
        except Exception as error:
            text = describe(error)
            if text is None:
                raise
            story.show_log(log_path)
            story.end(f"FAILED: {text}", good=False)
            return 1
    story.end("SUCCESS", good=True)
    return 0


@contextmanager
def _stage(
    family: Family,
    story: Story,
    database_url: str,
    target: str | None,
    command: Sequence[str],
    path: str,
    variables: Mapping[str, str],
) -> Iterator[Stage]:
    key, project = f"tr_dev_{secrets.token_hex(20)}", f"example-{secrets.token_hex(4)}"
    prepare_database(database_url, organization="examples", project=project, key=key, echo=lambda _line: None)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    local = LocalPerdure(family, database_url, free_port(), ours)
    local.start_server()
    settings = {
        **ours,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PERDURE_API_URL": local.url,
        "PERDURE_API_KEY": key,
        "PERDURE_DATABASE_URL": database_url,
        **variables,
    }
    with ExitStack() as stack:
        if target is not None:
            listener = stack.enter_context(closing(listen(0)))
            port = listener.getsockname()[1]
            app = start_app(family, target, listener, variables=settings).wait().child
        else:
            port = free_port()
            words = [word.format(port=port) for word in command]
            app = family.start("app", [sys.executable, *words], variables=settings)
        local.start_dispatcher()
        local.wait_until_ready()
        app_url = f"http://127.0.0.1:{port}"
        _wait_until_open(family, app_url)
        api = stack.enter_context(ApiClient(local.url, key))
        views = stack.enter_context(Views(database_url))
        stage = Stage(family, story, api, views, app, app_url)
        stack.callback(stage.http.close)
        endpoint = register_endpoint(api, None, app_url + path)
        story.line(f"server at {local.url}, app at {app_url}")
        story.line(f"endpoint {endpoint['slug']} registered: {describe_index(endpoint['endpointIndex'])}")
        yield stage


def _wait_until_open(family: Family, url: str) -> None:
    def look() -> bool:
        try:
            httpx.head(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return True

    family.wait_until(look, timeout_s=RUN_TIMEOUT_S, what=f"the start of the app at {url}")


@contextmanager
def _database(url: str | None, folder: Path) -> Iterator[str]:
    if url is not None:
        yield url
        return
    postgres = EmbeddedPostgres(folder / "postgres", settings=FAST_SETTINGS)
    try:
        postgres.start()
        yield postgres.url()
    finally:
        postgres.delete()
        shutil.rmtree(folder / "postgres", ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run an example on a Perdure of its own.")
    parser.add_argument("--database-url", help="a Postgres to use instead of an embedded one")
    return parser
