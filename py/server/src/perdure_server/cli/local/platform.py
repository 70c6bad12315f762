"""Server and dispatcher as processes of this machine, over a database that is prepared for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from perdure_engine import environments
from perdure_engine.migrator import migrate
from perdure_engine.pool import Connection
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.local.processes import Child, Family

_READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class LocalPerdure:
    """Perdure over one database, with one server.

    Args:
        family: who the processes belong to.
        database_url: a migrated database, as a login that may act as each of Perdure's roles.
        port: of 127.0.0.1, for the server.
        variables: the environment of the processes.
        public_url: where providers reach the server; None: where it listens.
        log_level: of the processes.
        drain_s: seconds that what is under way may take when they are stopped.
    """

    family: Family
    database_url: str
    port: int
    variables: Mapping[str, str]
    public_url: str | None = None
    log_level: str = "info"
    drain_s: float = 5.0
    url: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", f"http://127.0.0.1:{self.port}")

    def start_server(self) -> Child:
        """Start the server; it answers a little later (``wait_until_ready``)."""
        public_url = self.public_url or self.url
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--public-url", public_url]
        return self._start("server", "serve", *options, "--no-access-log")

    def start_dispatcher(self, name: str = "dispatcher") -> Child:
        """Start a dispatcher."""
        return self._start(name, "dispatcher")

    def wait_until_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until the server can serve requests.

        Raises:
            CommandFailed: it cannot, or a process ended.
        """
        self.family.wait_until(
            self._is_ready, timeout_s=timeout_s, what=f"the start of the server at {self.url}"
        )

    def _start(self, name: str, command: str, *options: str) -> Child:
        shared = ["--drain-s", str(self.drain_s), "--log-level", self.log_level]
        return self.family.start(
            name,
            [sys.executable, "-m", "perdure_server.cli", command, *options, *shared],
            variables={**self.variables, "PERDURE_DATABASE_URL": self.database_url},
        )

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


def prepare_database(
    url: str, *, organization: str, project: str, key: str, echo: Callable[[str], None]
) -> None:
    """Migrate a database, and make a project whose development environment has this secret key.

    Args:
        url: as a login that may migrate.
        key: ``tr_dev_…``; when it is there already, nothing changes.
        echo: gets a line for each step of the migration.
    Raises:
        PerdureError: it cannot be done; with what to do.
    """

    async def make(conn: Connection) -> None:
        await environments.create_project(conn, organization, project)
        environment_id = await environments.get_environment(conn, project, "dev")
        await environments.create_api_key(conn, environment_id, key=key)

    migrate(url, echo=echo)
    run_in_database(url, OWNER, make)
