"""Everything is killed in turn under load; ``make test-killed MINUTES=60`` does so for an hour.

Each time the system must come to itself: runs of both apps go on to succeed. At the end every event that was
accepted has a run that has ended well. ``make test-killed SEED=…`` repeats an order.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from perdure_engine import environments
from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.migrator import migrate
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.local.app_child import start_app
from perdure_server.cli.local.platform import LocalPerdure
from perdure_server.cli.local.ports import free_port, listen
from perdure_server.cli.local.processes import Child, Family
from perdure_server.cli.views import Views

SECONDS = 60 * float(os.environ.get("PERDURE_TEST_MINUTES") or 0)
PAUSE_S = 0.1
"""Between two events of each kind."""
ENDPOINT_TIMEOUT_MS = 6_000
LEASE_MARGIN_S = 1
RECOVERY_S = 60
ENOUGH = 5
"""Runs that each app ends after something was killed."""
OVER_HTTP, CONNECTED = "http", "connected"
OUTPUTS = {"steps": 24, "plain": 6}
"""What each job returns, whatever happens to it."""


class System:
    """Postgres, server and dispatcher, an app that is served over HTTP and one that is connected."""

    def __init__(self, family: Family, postgres: EmbeddedPostgres, listener: Any) -> None:
        self.family = family
        self.postgres = postgres
        self.key = f"tr_prod_{secrets.token_hex(20)}"
        migrate(postgres.url(), echo=lambda _line: None)
        run_in_database(postgres.url(), OWNER, self._make_environment)
        variables = {**os.environ, "PERDURE_LEASE_MARGIN_S": str(LEASE_MARGIN_S)}
        self.local = LocalPerdure(family, postgres.url(), free_port(), variables)
        self._app_variables = {
            **variables,
            "PERDURE_API_URL": self.local.url,
            "PERDURE_API_KEY": self.key,
        }
        self._listener = listener
        self.server = self.local.start_server()
        self.dispatcher = self.local.start_dispatcher()
        self.local.wait_until_ready()
        self.apps = {name: self._start_app(name) for name in (OVER_HTTP, CONNECTED)}
        self.views = Views(postgres.url())
        self._register()

    async def _make_environment(self, conn: Connection) -> None:
        await environments.create_project(conn, "acme", "killed")
        environment_id = await environments.get_environment(conn, "killed", "prod")
        await environments.create_api_key(conn, environment_id, key=self.key)

    def _start_app(self, name: str) -> Child:
        starting = start_app(
            self.family,
            "tests.e2e.killed_app:app",
            self._listener,
            variables={**self._app_variables, "APP_ID": name},
            connect=name == CONNECTED,
        )
        return starting.wait().child

    def _register(self) -> None:
        port = self._listener.getsockname()[1]
        body = {"id": OVER_HTTP, "url": f"http://127.0.0.1:{port}/", "timeoutMs": ENDPOINT_TIMEOUT_MS}
        answer = httpx.post(
            f"{self.local.url}/api/v1/endpoints", json=body, headers=self.headers, timeout=30, trust_env=False
        )
        assert answer.status_code == 200, answer.text
        self.family.wait_until(lambda: self.count("jobs") == 4, timeout_s=30, what="the jobs of both apps")

    @property
    def headers(self) -> dict[str, str]:
        """Of a call of the API."""
        return {"authorization": f"Bearer {self.key}"}

    def count(self, view: str, condition: str = "true", *arguments: Any) -> int:
        """The rows of a view."""
        query = f"select count(*) as n from perdure_views.{view} where {condition}"
        n: int = self.views.rows(query, *arguments)[0]["n"]
        return n

    def succeeded(self, app: str) -> int:
        """How many runs of an app have ended well."""
        return self.count("runs", "status = 'SUCCESS' and job like %s", f"%-{app}")

    def kill_server(self) -> None:
        self.family.kill(self.server)
        self.server = self.local.start_server()

    def stop_server(self) -> None:
        self.family.stop(self.server)
        self.server = self.local.start_server()

    def kill_dispatcher(self) -> None:
        self.family.kill(self.dispatcher)
        self.dispatcher = self.local.start_dispatcher()

    def kill_app(self) -> None:
        self.family.kill(self.apps[OVER_HTTP])
        self.apps[OVER_HTTP] = self._start_app(OVER_HTTP)

    def kill_connected_app(self) -> None:
        self.family.kill(self.apps[CONNECTED])
        self.apps[CONNECTED] = self._start_app(CONNECTED)

    def stop_connected_app(self) -> None:
        self.family.stop(self.apps[CONNECTED])
        self.apps[CONNECTED] = self._start_app(CONNECTED)

    def crash_postgres(self) -> None:
        self.postgres.kill()
        self.postgres.start()
        self.views.reconnect()

    def restart_postgres(self) -> None:
        self.postgres.restart()
        self.views.reconnect()


DISTURBANCES: list[Callable[[System], None]] = [
    System.kill_server,
    System.stop_server,
    System.kill_dispatcher,
    System.kill_app,
    System.kill_connected_app,
    System.stop_connected_app,
    System.crash_postgres,
    System.restart_postgres,
]


class Sender:
    """Sends events from a thread of its own, each until it is accepted."""

    def __init__(self, system: System) -> None:
        self.accepted: list[str] = []
        self.problems: list[str] = []
        self._client = httpx.Client(
            base_url=system.local.url, headers=system.headers, timeout=20, trust_env=False
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_all)
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what was begun is accepted first."""
        self._stopping.set()
        self._thread.join()
        self._client.close()

    def _send_all(self) -> None:
        number = 0
        while not self._stopping.wait(PAUSE_S):
            number += 1
            for job in OUTPUTS:
                for app in (OVER_HTTP, CONNECTED):
                    self._send(f"{job}.{app}", f"{job}.{app} {number}")

    def _send(self, name: str, id: str) -> None:
        event = {"event": {"id": id, "name": name, "payload": {}}}
        deadline = time.monotonic() + RECOVERY_S
        while time.monotonic() < deadline:
            try:
                status = self._client.post("/api/v1/events", json=event).status_code
            except httpx.TransportError:
                status = 503  # nobody knows whether it was accepted
            if status == 200:
                self.accepted.append(id)
                return
            if status != 503:
                self.problems.append(f"{id}: {status}")
                return
            time.sleep(PAUSE_S)
        self.problems.append(f"{id}: not accepted within {RECOVERY_S} s")


@pytest.fixture
def system() -> Iterator[System]:
    folder = Path(tempfile.mkdtemp(prefix="perdure-killed-"))
    postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})  # commits survive a crash
    try:
        postgres.start()
        with (
            Family(on_line=lambda name, line: print(f"{name}: {line}"), stop_timeout_s=15) as family,
            closing(listen(0)) as listener,
        ):
            system = System(family, postgres, listener)
            with system.views:
                yield system
    finally:
        postgres.delete()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sending(system: System) -> Iterator[Sender]:
    sender = Sender(system)
    try:
        yield sender
    finally:
        sender.stop()


def test_what_was_accepted_ends_well(system: System) -> None:
    seed = int(os.environ.get("PERDURE_TEST_SEED") or time.time())
    print(f"make test-killed SEED={seed}")
    choice = random.Random(seed)  # noqa: S311  # not for secrets
    deadline = time.monotonic() + SECONDS
    with sending(system) as sender:
        while True:
            for disturb in choice.sample(DISTURBANCES, len(DISTURBANCES)):
                disturb(system)
                for app in (OVER_HTTP, CONNECTED):
                    enough = system.succeeded(app) + ENOUGH
                    system.family.wait_until(
                        lambda: system.succeeded(app) >= enough,  # noqa: B023
                        timeout_s=RECOVERY_S,
                        what=f"runs of {app} after {disturb.__name__}",
                    )
            if time.monotonic() >= deadline:
                break
    assert sender.problems == []
    sent = len(sender.accepted)
    system.family.wait_until(
        lambda: system.count("runs", "completed_at is not null") == sent, timeout_s=RECOVERY_S, what="the end"
    )
    ended = system.views.rows(
        "select split_part(job, '-', 1) as job, status, output::text as output, count(*) as n"
        " from perdure_views.runs group by 1, 2, 3 order by 1"
    )
    assert [(row["job"], row["status"], row["output"], row["n"]) for row in ended] == [
        (job, "SUCCESS", str(OUTPUTS[job]), sent // 2) for job in sorted(OUTPUTS)
    ]
    with psycopg.connect(system.postgres.url()) as connection:
        assert connection.execute("select problem, subject, detail from perdure.doctor()").fetchall() == []
