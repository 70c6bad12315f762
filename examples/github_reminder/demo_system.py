"""The founding example with all it needs, each part a real process: for the demo and the end-to-end tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Any, Self

from examples.github_reminder.demo_fakes import BOT_TOKEN, ROOT, SLACK_TOKEN, GitHub, Slack
from perdure_server.cli.api_client import ApiClient
from perdure_server.cli.endpoints import describe_index, register_endpoint
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.local.app_child import start_app
from perdure_server.cli.local.platform import LocalPerdure, prepare_database
from perdure_server.cli.local.ports import free_port, listen
from perdure_server.cli.local.processes import Child, Family
from perdure_server.cli.run_view import RunView
from perdure_server.cli.views import Views

TARGET = "examples.github_reminder.app:app"
ENDPOINT_TIMEOUT_MS = 8000
LEASE_MARGIN_S = 1
"""With the timeout above, a run whose dispatcher died is taken up again after 9 s."""


class ReminderSystem:
    """Fake GitHub and Slack, the example app, server and dispatcher, over one database. Use it in ``with``.

    Args:
        family: who the processes belong to.
        database_url: as a login that may migrate and act as each of Perdure's roles.
        delay_s: seconds that the job waits before it looks at the issue again.
        endpoint_timeout_ms: how long one request to the app may take.
        tell: gets a line for each thing that was started.
    """

    def __init__(
        self,
        family: Family,
        database_url: str,
        *,
        delay_s: float,
        endpoint_timeout_ms: int = ENDPOINT_TIMEOUT_MS,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.family = family
        self.database_url = database_url
        self.key = f"tr_dev_{secrets.token_hex(20)}"
        self.project = f"demo-{secrets.token_hex(4)}"  # of its own: the database may have others
        self._delay_s = delay_s
        self._endpoint_timeout_ms = endpoint_timeout_ms
        self._tell = tell
        self._stack = ExitStack()
        self._dispatchers = 0

    def __enter__(self) -> Self:
        """Start everything, and wait until the job's webhook is registered at GitHub."""
        with self._stack:
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections; the processes end with their family."""
        self._stack.close()

    def _start(self) -> None:
        self.github = GitHub(self.family, _variables())
        self.slack = Slack(self.family, _variables())
        self._stack.callback(self.github.close)
        self._stack.callback(self.slack.close)
        prepare_database(
            self.database_url,
            organization="demo",
            project=self.project,
            key=self.key,
            echo=lambda line: self._tell(line.replace("-- done:", "migrated     ")),
        )
        self._tell(f"fake GitHub   {self.github.url}")
        self._tell(f"fake Slack    {self.slack.url}")
        self.local = LocalPerdure(
            self.family,
            self.database_url,
            free_port(),
            {**_variables(), "PERDURE_LEASE_MARGIN_S": str(LEASE_MARGIN_S)},
        )
        self.server = self.local.start_server()
        listener = self._stack.enter_context(closing(listen(0)))
        app_url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/trigger"
        starting = start_app(self.family, TARGET, listener, variables=self._app_variables())
        self.dispatcher = self._start_dispatcher()
        starting.wait()
        self._tell(f"example app   {app_url}")
        self.local.wait_until_ready()
        self._tell(f"server        {self.local.url}")
        self._tell(f"dispatcher    process {self.dispatcher.pid}")
        self.api = self._stack.enter_context(ApiClient(self.local.url, self.key))
        self.views = self._stack.enter_context(Views(self.database_url))
        endpoint = register_endpoint(self.api, None, app_url, self._endpoint_timeout_ms)
        self._tell(f"endpoint {endpoint['slug']} registered: {describe_index(endpoint['endpointIndex'])}")
        self.webhook_url = self._wait_for_webhook()
        self._tell(f"its source has registered a webhook at GitHub: {self.webhook_url}")

    def kill_dispatcher(self) -> Child:
        """Kill the dispatcher with -9, and start another; returns the killed one."""
        killed = self.dispatcher
        self.family.kill(killed)
        self.dispatcher = self._start_dispatcher()
        return killed

    def restart_server(self) -> None:
        """Stop the server in order, and start it again at the same address."""
        self.family.stop(self.server)
        self.start_server()

    def kill_server(self) -> None:
        """Kill the server with -9."""
        self.family.kill(self.server)

    def start_server(self) -> None:
        """Start the server, and wait until it is ready."""
        self.server = self.local.start_server()
        self.local.wait_until_ready()

    def runs_of_event(self, event_id: str) -> list[str]:
        """The ids of the runs that an event started; none while it is not known."""
        rows = self.views.rows(
            "select r.id from perdure_views.runs as r"
            " inner join perdure_views.environments as e on e.id = r.environment_id"
            " where r.event = %s and e.project = %s order by r.id",
            event_id,
            self.project,
        )
        return [row["id"] for row in rows]

    def wait_for_run(self, event_id: str, *, timeout_s: float = 30) -> str:
        """Wait until an event has started a run."""
        found = self.family.wait_until(
            lambda: self.runs_of_event(event_id), timeout_s=timeout_s, what=f"the run for event {event_id}"
        )
        return found[0]

    def open_issue(self, title: str) -> tuple[int, dict[str, Any]]:
        """Let a person open an issue; returns its number and GitHub's delivery, which has been answered."""
        before = len(self.github.deliveries())
        number = self.github.open_issue(title)
        return number, self.github.wait_for_delivery(before)

    def read(self, run_id: str) -> RunView:
        """A run as it is now."""
        run = self.views.find_run(run_id)
        if run is None:
            raise CommandFailed(f"there is no run {run_id}")
        return run

    def wait_for_run_to_be(
        self, run_id: str, so: Callable[[RunView], bool], *, timeout_s: float = 60, what: str
    ) -> RunView:
        """Look at a run until something is so; returns it as it was then."""

        def look() -> RunView | None:
            run = self.read(run_id)
            return run if so(run) else None

        found = self.family.wait_until(look, timeout_s=timeout_s, what=f"{what} of run {run_id}")
        assert found is not None  # noqa: S101  # wait_until returns what is true only
        return found

    def _start_dispatcher(self) -> Child:
        self._dispatchers += 1
        return self.local.start_dispatcher(f"dispatcher {self._dispatchers}")

    def _wait_for_webhook(self) -> str:
        """Both sides must know of it: GitHub where to send, and the source that it may accept."""

        def registered() -> str | None:
            hooks = self.github.webhooks()
            active = self.views.rows(
                "select s.active from perdure_views.sources as s"
                " inner join perdure_views.environments as e on e.id = s.environment_id where e.project = %s",
                self.project,
            )
            return hooks[0]["config"]["url"] if hooks and active and active[0]["active"] else None

        url = self.family.wait_until(
            registered, timeout_s=30, what="the registration of the webhook at GitHub"
        )
        return url or ""

    def _app_variables(self) -> dict[str, str]:
        return {
            **_variables(),
            "PYTHONPATH": str(ROOT),
            "PERDURE_API_URL": self.local.url,
            "PERDURE_API_KEY": self.key,
            "GITHUB_TOKEN": BOT_TOKEN,
            "GITHUB_API_URL": self.github.url,
            "SLACK_BOT_TOKEN": SLACK_TOKEN,
            "SLACK_API_URL": self.slack.api_url,
            "REMINDER_DELAY_SECONDS": f"{self._delay_s:g}",
        }


def _variables() -> dict[str, str]:
    """Our environment without settings of Perdure, which are for other things than the demo."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
