"""A server, a dispatcher and the JavaScript app as real processes over one database."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from examples.github_reminder.demo_system import LEASE_MARGIN_S
from perdure_engine import environments
from perdure_engine.migrator import migrate
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.local.platform import LocalPerdure
from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child, Family
from perdure_server.cli.views import Views
from tests.support.notes import read_notes
from tests.support.waiting import eventually

from .outcome import ABSENT, Outcome, task_lines, without_stack
from .packages import APP, SDKS
from .provider import Provider

ENDPOINT_TIMEOUT_MS = 60_000
"""Of the app: user code has 350 ms less."""
FINAL = {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}

Runs = dict[str, tuple[str, Any]]
"""Runs that a module wants: under a name of its own, the event (and job) and its payload."""


class Project(NamedTuple):
    """An environment and the keys that open it."""

    slug: str
    environment_id: str
    key: str
    public_key: str


@dataclass
class Platform:
    """Server and dispatcher over one database. Use it in ``with``.

    Args:
        database_url: an empty database, as a superuser.
        folder: for files of the processes.
        provider: the third party that apps talk to.
    """

    database_url: str
    folder: Path
    provider: Provider
    family: Family = field(init=False)
    views: Views = field(init=False)

    def __enter__(self) -> Self:
        """Start both, and wait until the server answers."""
        with ExitStack() as stack:
            output = stack.enter_context((self.folder / "output.log").open("w", encoding="utf-8"))
            self.family = stack.enter_context(
                Family(
                    on_line=lambda name, line: print(f"{name}: {line}", file=output, flush=True),
                    stop_timeout_s=10,
                )
            )
            migrate(self.database_url, echo=lambda _line: None)
            self.variables = {
                **base_variables(),
                "PERDURE_LEASE_MARGIN_S": str(LEASE_MARGIN_S),
                "PERDURE_SECRET_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            }
            self.local = LocalPerdure(self.family, self.database_url, free_port(), self.variables)
            self.server = self.local.start_server()
            self.dispatcher = self.local.start_dispatcher()
            self.local.wait_until_ready()
            self.views = stack.enter_context(Views(self.database_url))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all, apps included."""
        self._stack.close()

    @property
    def url(self) -> str:
        """The server's."""
        return self.local.url

    def create_project(self, slug: str, environment: str) -> Project:
        """Make a project, and keys for one of its environments."""

        async def make(conn: Connection) -> Project:
            await environments.create_project(conn, "js", slug)
            environment_id = await environments.get_environment(conn, slug, environment)
            key = f"tr_{environment}_{secrets.token_hex(20)}"
            await environments.create_api_key(conn, environment_id, key=key)
            public_key = await environments.create_api_key(conn, environment_id, "PUBLIC")
            return Project(slug, environment_id, key, public_key)

        made: Project = run_in_database(self.database_url, OWNER, make)
        return made


class JsApp:
    """The app under one version of the SDK, in a project of its own.

    Args:
        platform: where it is registered.
        version: of the SDK, as the tests call it.
        environment: of the project.
        folder: of the app.
        host: where it listens, and what it takes the platform's address to be.
        watched: start the process anew when a file of it changes.
    """

    def __init__(
        self,
        platform: Platform,
        version: str,
        *,
        environment: str = "prod",
        folder: Path = APP,
        host: str = "127.0.0.1",
        watched: bool = False,
    ) -> None:
        self.platform = platform
        self.provider = platform.provider
        self.version = version
        self.project = platform.create_project(f"{version.replace('.', '-')}-{uuid4().hex[:6]}", environment)
        self.api = httpx.Client(
            base_url=platform.url,
            headers={"authorization": f"Bearer {self.project.key}"},
            timeout=30,
            trust_env=False,
        )
        self.started: dict[str, dict[str, str]] = {}
        """The runs that modules wanted, by the modules' names and the runs'."""
        self._calls_file = platform.folder / f"calls-{self.project.slug}.jsonl"
        self._calls_file.touch()
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self.variables = {
            **base_variables(),
            "SDK_FOLDER": str(SDKS[version]),
            "TRIGGER_API_KEY": self.project.key,
            "TRIGGER_API_URL": platform.url.replace("127.0.0.1", host),
            "PROVIDER_URL": platform.provider.url,
            "CALLS_FILE": str(self._calls_file),
            "HOST": host,
            "PORT": str(self.port),
        }
        options = ["--watch", "--watch-preserve-output"] if watched else []
        self._command = ["node", *options, str(folder / "server.js")]
        self.process = self.start_process()

    def start_process(self, **variables: str) -> Child:
        """Start the app's process; it listens a little later."""
        return self.platform.family.start(
            self.version, self._command, variables={**self.variables, **variables}
        )

    def wait_until_it_listens(self) -> None:
        """Wait for the first word of the process."""
        self.process.wait_for_line(lambda line: "listens on" in line, timeout_s=30)

    def register(self) -> dict[str, Any]:
        """Register the app when it listens; returns the endpoint."""
        self.wait_until_it_listens()
        body = {"id": "js-app", "url": f"{self.url}/api/trigger", "timeoutMs": ENDPOINT_TIMEOUT_MS}
        answer = self.api.post("/api/v1/endpoints", json=body)
        assert answer.status_code == 200, answer.text
        endpoint: dict[str, Any] = answer.json()
        self.wait_for_index(endpoint["endpointIndex"]["id"])
        return endpoint

    def wait_for_index(self, index_id: str) -> dict[str, Any]:
        """Wait until the app's jobs are known."""

        def look() -> Any:
            index = self.get(f"/api/v1/endpointindex/{index_id}")
            return index if index["status"] in ("SUCCESS", "FAILURE") else None

        index: dict[str, Any] = eventually(look, what="the index")
        assert index["status"] == "SUCCESS", index
        return index

    def restart(self, **variables: str) -> None:
        """Stop the app, start it with other variables, and register it again."""
        self.platform.family.stop(self.process)
        self.process = self.start_process(**variables)
        self.register()

    def start_all(self, module: str, runs: Runs) -> None:
        """Start all runs that a module wants; ``{version}`` in a payload becomes the SDK's."""
        text = json.dumps(runs).replace("{version}", self.version)
        self.started[module] = {name: self.start(*wanted) for name, wanted in json.loads(text).items()}

    def send(
        self, event: str, payload: Any = None, *, options: dict[str, Any] | None = None, **fields: Any
    ) -> str:
        """Send an event; returns its id."""
        body = {"event": {"name": event, "payload": payload, **fields}, "options": options or {}}
        answer = self.api.post("/api/v1/events", json=body)
        assert answer.status_code == 200, answer.text
        event_id: str = answer.json()["id"]
        return event_id

    def start(self, event: str, payload: Any = None, **fields: Any) -> str:
        """Send an event for one job; returns its run."""
        [run_id] = self.runs_of(self.send(event, payload, **fields), count=1)
        return run_id

    def runs_of(self, event_id: str, *, count: int) -> list[str]:
        """Wait until an event has started so many runs; returns them."""

        path = f"/api/v2/events/{quote(event_id, safe='')}"

        def look() -> list[str]:
            answer = self.api.get(path)  # 404: the event is still on its way
            runs = answer.json()["runs"] if answer.status_code == 200 else []
            return sorted(run["id"] for run in runs) if len(runs) >= count else []

        found: list[str] = eventually(look, timeout_s=30, what=f"{count} runs of event {event_id}")
        return found

    def get(self, path: str, **query: Any) -> Any:
        """GET from the platform with the secret key."""
        answer = self.api.get(path, params=query)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def run(self, run_id: str) -> dict[str, Any]:
        """A run with its whole tree of tasks."""
        tasks: list[Any] = []
        query: dict[str, Any] = {"subtasks": "true", "taskdetails": "true", "take": 50}
        while True:
            run: dict[str, Any] = self.get(f"/api/v2/runs/{run_id}", **query)
            tasks += run["tasks"]
            if not run.get("nextCursor"):
                return {**run, "tasks": tasks}
            query["cursor"] = run["nextCursor"]

    def wait_for(self, run_id: str, *statuses: str, timeout_s: float = 30) -> dict[str, Any]:
        """Wait until a run has one of these statuses; none given: until it has ended."""
        wanted = set(statuses) or FINAL

        def look() -> str | None:
            status: str = self.get(f"/api/v2/runs/{run_id}")["status"]
            return status if status in wanted or status in FINAL else None

        eventually(look, timeout_s=timeout_s, what=f"run {run_id}: {' or '.join(sorted(wanted))}")
        run = self.run(run_id)
        assert run["status"] in wanted, run
        return run

    def finished(self, run_id: str, *, timeout_s: float = 30) -> Outcome:
        """Wait for the end of a run, and tell all of it."""
        run = self.wait_for(run_id, timeout_s=timeout_s)
        output = without_stack(run.get("output", ABSENT))
        return Outcome(run["status"], output, task_lines(run["tasks"]), self.calls(run_id))

    def replies(self, run_id: str) -> list[str | None]:
        """What the app answered to each EXECUTE_JOB of a run; None: no reply."""
        return [execution["reply_status"] for execution in self.platform.views.executions(run_id)]

    def calls(self, run_id: str) -> dict[str, int]:
        """How often each part of a run's user code was called."""
        return {what: count for what, count in self.notes(run_id).items() if not what.startswith(_METHODS)}

    def requests(self, run_id: str) -> dict[str, int]:
        """How often a run's SDK called the platform, such as ``POST tasks``."""
        return {what: count for what, count in self.notes(run_id).items() if what.startswith(_METHODS)}

    def notes(self, run_id: str) -> Counter[str]:
        """All that the app noted under this name."""
        return Counter(note["what"] for note in read_notes(self._calls_file) if note["run"] == run_id)

    def call(self, path: str, *arguments: Any) -> Any:
        """Call a method of the SDK outside of a run, such as ``client.getRun``.

        Returns: ``{"value": …}``, which lacks the key for ``undefined``, or ``{"error": message}``.
        """
        answer = httpx.post(f"{self.url}/call/{path}", json=arguments, timeout=60, trust_env=False)
        return answer.json()

    def job_of(self, run_id: str) -> str:
        """The job of a run."""
        [row] = self.platform.views.rows("select job from perdure_views.runs where id = %s", run_id)
        return str(row["job"])

    def owns(self, url: str) -> bool:
        """Whether a URL of the platform is for a source or an HTTP endpoint of this app."""
        ids = self.platform.views.rows(
            "select id from perdure_views.sources where environment_id = %s", self.project.environment_id
        )
        urls = [entry["url"] for entry in self.get("/api/v1/http-endpoints")]
        return url in urls or any(row["id"] in url for row in ids)

    def close(self) -> None:
        """Close the connections; the process ends with its family."""
        self.api.close()


_METHODS = ("GET ", "POST ", "PUT ", "DELETE ", "HEAD ")


def base_variables() -> dict[str, str]:
    """Our environment without settings of Perdure or of the official packages, which are for other things."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PERDURE_", "TRIGGER_"))
    }
