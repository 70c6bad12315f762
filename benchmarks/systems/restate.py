"""Restate: a server with its own storage. It calls the app over HTTP, in a stream or request by request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

import httpx

from benchmarks.system import HIGH_CONCURRENCY, Batch, Place
from perdure_server.cli.local.ports import free_port

from .peer import START_TIMEOUT_S, Peer

_PACKAGES = "node_modules/@restatedev"
_COUNT = """
    select count(*) as runs from sys_invocation_status
    where created_at >= to_timestamp_millis({since}) and status = '{status}'
"""
PARTITIONS = 1
CLOCK_MS = 5
"""Restate's clock may be a little behind: what was made shortly before a batch is counted with it."""

_CONFIGURATION = """
node-name = "bench"
base-dir = "{folder}"
listen-mode = "tcp"
bind-address = "127.0.0.1:{ports[0]}"
default-num-partitions = {partitions}
disable-telemetry = true
log-filter = "warn"
log-disable-ansi-codes = true

[worker.invoker]
concurrent-invocations-limit = {concurrency}

[ingress]
bind-address = "127.0.0.1:{ports[1]}"

[admin]
bind-address = "127.0.0.1:{ports[2]}"
disable-web-ui = true
"""


class RestateStream(Peer):
    """One stream of HTTP/2 for each run, both ways."""

    name: ClassVar[str] = "restate-stream"
    package = "restate"
    program = "restate"
    batch = 1
    calls = 50
    uses_postgres = False
    protocol: ClassVar[Literal["bidi", "request_response"]] = "bidi"
    http: ClassVar[Literal["1", "2"]] = "2"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._ports = [free_port() for _ in range(4)]
        self._is_registered = False
        self._http = httpx.Client(timeout=60, trust_env=False)
        self._ingress, self._admin, self._app = (f"http://127.0.0.1:{port}" for port in self._ports[1:])
        self.settings = (
            f"1 server: {PARTITIONS} partition(s), {HIGH_CONCURRENCY} runs at a time, durability as "
            f"delivered (WAL with fsync), history kept for a day; app: 1 process on granian, "
            f"HTTP/{self.http}, uvloop; "
            f"sleepers leave memory at once (inactivity_timeout 0; 10 s where steps came before); "
            f"client: {self.calls} one-way sends at a time, pyreqwest, one HTTP/2 connection"
        )

    @classmethod
    def unavailable(cls, tools: Path) -> str | None:
        """Beside the SDK, the server is needed."""
        if find_server(tools) is None:
            return f"no restate-server in {tools / 'node_modules'}: make bench-setup"
        return super().unavailable(tools)

    def variables(self) -> Mapping[str, str]:
        """The settings of the app, and the client's address."""
        return {
            "BENCH_PROTOCOL": self.protocol,
            "BENCH_HTTP": self.http,
            "BENCH_PORT": str(self._ports[3]),
            "BENCH_INGRESS_URL": self._ingress,
        }

    def install(self) -> None:
        """Write the server's settings."""
        (self.place.folder / "restate.toml").write_text(
            _CONFIGURATION.format(
                folder=self.place.folder / "restate",
                ports=self._ports,
                partitions=PARTITIONS,
                concurrency=HIGH_CONCURRENCY,
            )
        )

    def launch(self) -> None:
        """Start everything, and make the app known to the server, once: sleeping runs stay with it."""
        server = find_server(self.place.tools)
        assert server
        self.run("server", [server, "--config-file", self.place.folder / "restate.toml", "--no-logo"])
        self.run("app", [self.python, "-m", "benchmarks.systems.restate_app"], self.variables())
        self.launch_client({})
        self._wait_until(lambda: self._http.get(f"{self._admin}/health").is_success)
        self._wait_until(lambda: self._http.get(f"{self._ingress}/restate/health").is_success)
        self._wait_until(self._register)

    def ended(self, batch: Batch) -> int:
        """Invocations that are completed, with their results."""
        return self._count(batch, "completed")

    def asleep(self, batch: Batch) -> int:
        """Invocations that are suspended: no request of theirs is open."""
        return self._count(batch, "suspended")

    def _count(self, batch: Batch, status: str) -> int:
        query = _COUNT.format(since=int(batch.begun_at * 1000) - CLOCK_MS, status=status)
        answer = self._http.post(
            f"{self._admin}/query", json={"query": query}, headers={"accept": "application/json"}
        )
        answer.raise_for_status()
        return int(answer.json()["rows"][0]["runs"])

    def _register(self) -> bool:
        if not self._is_registered:
            answer = self._http.post(
                f"{self._admin}/deployments", json={"uri": self._app, "use_http_11": self.http == "1"}
            )
            self._is_registered = answer.is_success
        return self._is_registered

    def _wait_until(self, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            self.family.check()
            try:
                if look():
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("Restate or its app has not started")
            time.sleep(0.05)


class RestateRequestResponse(RestateStream):
    """A request for each execution, which ends at each wait for Restate: all that serverless hosts allow."""

    name: ClassVar[str] = "restate-request"
    protocol = "request_response"
    http = "1"


def find_server(tools: Path) -> Path | None:
    """The binary that npm installed for this machine."""
    return next((tools / _PACKAGES).glob("restate-server-*/bin/restate-server"), None)
