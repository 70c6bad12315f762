"""Perdure itself: server, dispatchers and app as processes of their own, as its users run them."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from contextlib import closing
from typing import Any, ClassVar

import httpx

from benchmarks.micro.database import BenchDatabase
from benchmarks.system import SLOTS, Batch, JobName, Place, System
from perdure_server.cli.api_client import ApiClient
from perdure_server.cli.endpoints import describe_index, register_endpoint
from perdure_server.cli.local.platform import prepare_database
from perdure_server.cli.local.ports import free_port

from . import perdure_client

_COUNT = "select count(*) from perdure.runs where id >= %s::uuid and status = %s"
_INSTANTS = "select count(distinct created_at) from perdure.runs where id >= %s::uuid"
_COMMAND = [sys.executable, "-m", "perdure_server.cli"]
_QUIET = ["--log-level", "warning", "--drain-s", "1"]
_TRIGGER_TIMEOUT_S = 600.0
START_TIMEOUT_S = 60.0
POOL_SIZE = 10
FAN_OUT = 1000
"""Jobs that one event starts."""


class PerdureHttp(System):
    """Pushed over plain HTTP; events by the SDK's client.

    Args:
        dispatchers: processes.
        apps: processes of the app, behind one address.
        fan_out: the app has the jobs that one event starts.
    """

    name: ClassVar[str] = "perdure-http"

    def __init__(self, place: Place, *, dispatchers: int = 1, apps: int = 1, fan_out: bool = False) -> None:
        super().__init__(place)
        self._dispatchers = dispatchers
        self._apps = apps
        self._key = f"tr_dev_{secrets.token_hex(20)}"
        self._app_variables = {"BENCH_FAN_OUT": str(FAN_OUT)} if fan_out else {}
        self._client_variables: dict[str, str] = {}
        self.settings = (
            f"1 server (pool {POOL_SIZE}) that dispatches, {dispatchers - 1} more dispatcher(s), "
            f"{SLOTS} slots each, {apps} app process(es) on uvicorn with uvloop and httptools; "
            f"client: {self._describe_client()}"
        )

    def install(self) -> None:
        """Make the database and the key."""
        assert self.postgres
        prepare_database(
            self.postgres.url(), organization="bench", project="bench", key=self._key, echo=lambda _line: None
        )

    def launch(self) -> None:
        """Start everything, and register the app."""
        assert self.postgres
        database = {"PERDURE_DATABASE_URL": self.postgres.url()}
        port, app_port = free_port(), free_port()
        app_url = f"http://127.0.0.1:{app_port}/"
        api = {"PERDURE_API_URL": f"http://127.0.0.1:{port}", "PERDURE_API_KEY": self._key}
        self._start_server(port, database)
        for _ in range(self._apps):
            self._start_app(app_port, {**api, **database, **self._app_variables})
        self._start_dispatchers(database)
        self._remote = self.run_client("benchmarks.systems.perdure_client", {**api, **self._client_variables})
        self._wait_until_answered(f"{api['PERDURE_API_URL']}/readyz")
        self._wait_until_answered(app_url)
        with ApiClient(api["PERDURE_API_URL"], self._key) as client:
            endpoint = register_endpoint(client, "bench", app_url)
        describe_index(endpoint["endpointIndex"])  # raises when the jobs could not be read

    def trigger(self, job: JobName, first: int, count: int, **payload: Any) -> Batch:
        """Send events."""
        sent = self._send(job=job, first=first, count=count, payload=payload)
        return Batch(job=job, first=first, count=count, **sent)

    def trigger_at_once(self, first: int, count: int) -> Batch:
        """Send the events of ``noop`` runs in one call."""
        sent = self._send(job="noop", first=first, count=count, payload={}, batch=count)
        return Batch(job="noop", first=first, count=count, **sent)

    def fan_out(self, first: int) -> Batch:
        """Send one event that starts ``FAN_OUT`` runs, of as many jobs; they mark ``first`` and on."""
        sent = self._send(job="fan_out", first=first, count=1, payload={})
        return Batch(job="noop", first=first, count=FAN_OUT, **sent)

    def instants_of(self, batch: Batch) -> int:
        """At how many different instants the runs of a batch were made: one a transaction."""
        assert self.postgres
        return int(self.postgres.value(_INSTANTS, _first_id(batch)))

    def park(self, first: int, count: int, **payload: Any) -> Batch:
        """By statements: events sent, runs claimed beside the dispatcher, and ended with a wait."""
        assert self.postgres
        begun_ns, begun_at = time.monotonic_ns(), time.time()
        parking = BenchDatabase(self.postgres.url(), environment="dev", event="bench.sleep", payload=payload)
        with closing(parking):
            parking.park(count)
        return Batch("sleep", first, count, begun_ns, time.monotonic_ns(), begun_at)

    def ended(self, batch: Batch) -> int:
        """Runs that ended with success."""
        return self._count(batch, "SUCCESS")

    def asleep(self, batch: Batch) -> int:
        """Runs whose execution has ended with a wait."""
        return self._count(batch, "WAITING_TO_CONTINUE")

    def _start_server(self, port: int, database: dict[str, str]) -> None:
        serve = ["serve", "--dispatch", "--port", str(port), "--pool-size", str(POOL_SIZE), "--no-access-log"]
        self.run("server", [*_COMMAND, *serve, *_QUIET], {**database, "PERDURE_SLOTS": str(SLOTS)})

    def _start_dispatchers(self, database: dict[str, str]) -> None:
        slots = ["--slots", str(SLOTS)]
        for _ in range(self._dispatchers - 1):
            self.run("dispatcher", [*_COMMAND, "dispatcher", *slots, *_QUIET], database)

    def _start_app(self, port: int, variables: dict[str, str]) -> None:
        """One process of the app; the kernel spreads connections over those that listen on the port."""
        with socket.create_server(("127.0.0.1", port), reuse_port=True, backlog=2048) as listener:
            number = listener.fileno()
            command = [sys.executable, "-m", "benchmarks.systems.perdure_uvicorn", str(number)]
            self.run("app", command, variables, pass_fds=[number])

    def _send(self, **arguments: Any) -> dict[str, Any]:
        sent: dict[str, Any] = self._remote.call("trigger", **arguments, timeout_s=_TRIGGER_TIMEOUT_S)
        return sent

    def _count(self, batch: Batch, status: str) -> int:
        assert self.postgres
        return int(self.postgres.value(_COUNT, _first_id(batch), status))

    def _describe_client(self) -> str:
        return f"send_events, {perdure_client.BATCH} a call, {perdure_client.CALLS} calls at a time"

    def _wait_until_answered(self, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            self.family.check()
            try:
                if httpx.get(url, timeout=5, trust_env=False).status_code < 500:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer at {url}")
            time.sleep(0.05)


def _first_id(batch: Batch) -> str:
    """The smallest id that a run of a batch can have: ids begin with the millisecond (ADR 0001)."""
    return f"{int(batch.begun_at * 1000):012x}".ljust(32, "0")


class PerdureDirect(PerdureHttp):
    """Events and steps straight to Postgres (``perdure[postgres]``); executions still come over HTTP."""

    name: ClassVar[str] = "perdure-direct"

    def __init__(self, place: Place, *, dispatchers: int = 1, apps: int = 1) -> None:
        super().__init__(place, dispatchers=dispatchers, apps=apps)
        self._app_variables = {"BENCH_STEPS": "transaction", "BENCH_POOL_SIZE": str(POOL_SIZE)}
        self.settings += f"; steps: io.transaction over a pool of {POOL_SIZE}"

    def launch(self) -> None:
        """The same, with a client that has the database's address."""
        assert self.postgres
        self._client_variables = {"BENCH_ENQUEUE_URL": self.postgres.url()}
        super().launch()

    def _describe_client(self) -> str:
        return f"app.enqueue, {perdure_client.BATCH} a transaction, {perdure_client.CALLS} connections"
