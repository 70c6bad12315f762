"""The whole system as real processes over one database: the platform, and the app in each kind of host."""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
from base64 import urlsafe_b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from perdure_engine import environments
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child, Family
from tests.support.database import Database
from tests.support.notes import read_notes
from tests.support.waiting import eventually

from .host import PATH
from .observed import NOTES_VARIABLE

ENDPOINT_TIMEOUT_MS = 60_000
_REQUEST = re.compile(r"method=\w+ path=/api/v\d/runs/([0-9a-f-]{36})")

_TABLE_OF_THE_APP = "create table public.behaviour_notes (run_id text)"


@dataclass
class Platform:
    """Server and dispatcher over one database with the test clock.

    Args:
        database_url: as a superuser.
        folder: for files.
        service_url: of a service outside.
    """

    database_url: str
    folder: Path
    service_url: str
    requests: Counter[str] = field(default_factory=Counter)
    """Requests that the server got, by the run they are about."""

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.notes = self.folder / "notes.jsonl"
        self.notes.touch()
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PERDURE_", "PG"))},
            "PERDURE_SECRET_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "PERDURE_DATABASE_URL": self.database_url,
            "PERDURE_DRAIN_S": "1",
            "BEHAVIOUR_SERVICE_URL": self.service_url,
            NOTES_VARIABLE: str(self.notes),
        }
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[Platform]:
        """Start both, and wait until the server answers; in the end stop them and the hosts."""
        with ExitStack() as stack:
            log = stack.enter_context((self.folder / "output.log").open("w", encoding="utf-8"))

            def on_line(name: str, line: str) -> None:
                if found := _REQUEST.search(line):
                    with self._lock:
                        self.requests[found[1]] += 1
                else:
                    print(f"{name}: {line}", file=log, flush=True)

            self.family = stack.enter_context(Family(on_line=on_line, stop_timeout_s=5))
            self.database = stack.enter_context(Database(self.database_url))
            port = self.url.rpartition(":")[2]
            with self.database.as_role("none") as admin:
                admin.execute(_TABLE_OF_THE_APP)
            self._start("server", "perdure_server.cli", "serve", "--port", port, "--public-url", self.url)
            self._start("dispatcher", "perdure_server.cli", "dispatcher")
            self.family.wait_until(self._is_ready, timeout_s=60, what="the start of the server")
            self._stack = stack
            yield self

    def start_host(self, name: str) -> Host:
        """Start the app in a host, in a project of its own; it is registered later."""
        project = f"{name}-{secrets.token_hex(3)}"

        async def make(conn: Connection) -> tuple[str, str]:
            await environments.create_project(conn, "acme", project)
            environment_id = await environments.get_environment(conn, project, "prod")
            key = f"tr_prod_{secrets.token_hex(20)}"
            await environments.create_api_key(conn, environment_id, key=key)
            return environment_id, key

        environment_id, key = run_in_database(self.database_url, OWNER, make)
        port = free_port()
        variables = {"PERDURE_API_URL": self.url, "PERDURE_API_KEY": key}
        process = self._start(name, "tests.behaviour.host", name, str(port), **variables)
        host = Host(self, name, environment_id, key, f"http://127.0.0.1:{port}{PATH}", process)
        self._stack.callback(host.api.close)
        return host

    def told(self) -> dict[str, Told]:
        """What user code told so far, by run."""
        told: dict[str, Told] = defaultdict(Told)
        for note in read_notes(self.notes):
            if "called" in note:
                told[note["run"]].calls[note["called"]] += 1
            elif "shared" in note:
                told[note["run"]].shared_calls += 1
            else:
                told[note["run"]].seen[note["seen"]].append(note["value"])
        return told

    def _start(self, name: str, module: str, *arguments: str, **variables: str) -> Child:
        return self.family.start(
            name, [sys.executable, "-m", module, *arguments], variables={**self.variables, **variables}
        )

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Told:
    """What the user code of one run told."""

    calls: Counter[str] = field(default_factory=Counter)
    shared_calls: int = 0
    """Calls of the API for this run and others."""
    seen: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


@dataclass(eq=False)
class Host:
    """The app in one kind of host, and its environment."""

    platform: Platform
    name: str
    environment_id: str
    key: str
    url: str
    process: Child

    def __post_init__(self) -> None:
        self.api = httpx.Client(
            base_url=self.platform.url,
            headers={"authorization": f"Bearer {self.key}"},
            timeout=30,
            trust_env=False,
        )

    def register(self) -> None:
        """Wait until the app listens, and have its jobs read; one that connects brings them."""
        if self.name == "connected":
            self.platform.family.wait_until(self._has_jobs, timeout_s=60, what="the app's connection")
            return
        self.platform.family.wait_until(self._listens, timeout_s=60, what=f"the start of {self.name}")
        body = {"id": "behaviour", "url": self.url, "timeoutMs": ENDPOINT_TIMEOUT_MS}
        answer = self.api.post("/api/v1/endpoints", json=body)
        assert answer.status_code == 200, answer.text
        index_id = answer.json()["endpointIndex"]["id"]

        def index() -> Any:
            found = self.api.get(f"/api/v1/endpointindex/{index_id}").json()
            return found if found["status"] in ("SUCCESS", "FAILURE") else None

        found = eventually(index, timeout_s=30, what="the index")
        assert found["status"] == "SUCCESS", found

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send many events; direct: in a transaction of the app's own."""
        if self.name == "direct":
            self._enqueue(events)
            return
        for start in range(0, len(events), 50):
            batch = events[start : start + 50]
            answer = self.api.post("/api/v1/events/bulk", json={"events": batch})
            assert answer.status_code == 200, answer.text

    def _enqueue(self, events: list[dict[str, Any]]) -> None:
        from perdure import Perdure

        app = Perdure("behaviour", api_url=self.platform.url, api_key=self.key)
        with psycopg.connect(self.platform.database_url) as connection:
            for event in events:
                options = {name: event[name] for name in ("id", "context") if name in event}
                app.enqueue(connection, event["name"], event.get("payload"), **options)

    def _has_jobs(self) -> bool:
        count = "select count(*) from perdure_views.jobs where environment_id = %s"
        return bool(self.platform.database.value(count, self.environment_id))

    def _listens(self) -> bool:
        try:
            return httpx.head(self.url, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
