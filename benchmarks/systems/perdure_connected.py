"""Perdure with a connected app: executions and steps over one WebSocket to the server."""

from __future__ import annotations

import sys
import time
from typing import ClassVar

from benchmarks.system import SLOTS, Place
from perdure_server.cli.local.ports import free_port

from .perdure import POOL_SIZE, START_TIMEOUT_S, PerdureHttp

_JOBS = "select count(*) from perdure.environment_jobs"


class PerdureConnected(PerdureHttp):
    """The app has no URL: it fetches its executions. The dispatcher promotes what falls due.

    Args:
        apps: worker processes, with a connection each.
    """

    name: ClassVar[str] = "perdure-connected"

    def __init__(self, place: Place, *, dispatchers: int = 1, apps: int = 1) -> None:
        super().__init__(place, dispatchers=dispatchers, apps=apps)
        self.settings = (
            f"1 server (pool {POOL_SIZE}), {dispatchers} dispatcher(s), {apps} worker process(es) on uvloop, "
            f"connected, with {SLOTS} slots each; client: {self._describe_client()}"
        )

    def launch(self) -> None:
        """Start everything; the app makes itself known."""
        assert self.postgres
        database = {"PERDURE_DATABASE_URL": self.postgres.url()}
        port = free_port()
        api = {"PERDURE_API_URL": f"http://127.0.0.1:{port}", "PERDURE_API_KEY": self._key}
        self._start_server(port, database)
        self._start_dispatchers(database)
        self._wait_until_answered(f"{api['PERDURE_API_URL']}/readyz")
        for _ in range(self._apps):
            self.run("app", [sys.executable, "-m", "benchmarks.systems.perdure_worker"], {**api, **database})
        self._remote = self.run_client("benchmarks.systems.perdure_client", {**api, **self._client_variables})
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.postgres.value(_JOBS):
            self.family.check()
            if time.monotonic() > deadline:
                raise TimeoutError("the app was not connected")
            time.sleep(0.05)
