"""The whole system as a person meets it: server, dispatcher and an app over one database."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from perdure_server.cli.local.platform import LocalPerdure
from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child, Family
from tests.support.database import Database
from tests.support.waiting import eventually

ORGANIZATION = "acme"
_UVICORN = (sys.executable, "-m", "uvicorn", "--log-level", "warning")


@dataclass(slots=True)
class Environment:
    """An environment of a project, and its secret key."""

    project: str
    slug: str
    id: str
    key: str

    @property
    def path(self) -> str:
        """How the paths of its pages begin."""
        return f"/dashboard/orgs/{ORGANIZATION}/projects/{self.project}/{self.slug}"


@dataclass(slots=True)
class System:
    """Server and dispatcher as processes; what they print is in a file of the test run."""

    db: Database
    local: LocalPerdure
    server: Child
    dispatcher: Child

    @property
    def url(self) -> str:
        """The server's."""
        return self.local.url

    def environment(self, project: str, slug: str = "dev") -> Environment:
        """Make a project, if it is not there, and a key of an environment."""
        self.db.call("create_project", ORGANIZATION, project)
        environment_id = self.db.call("get_environment", project, slug)
        return Environment(project, slug, environment_id, self.db.call("create_api_key", environment_id))

    def api(self, environment: Environment) -> httpx.Client:
        """The API, with the key of an environment."""
        headers = {"authorization": f"Bearer {environment.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def start(self, environment: Environment, event: str, payload: Any) -> str:
        """Send an event that starts one run; returns the run's id."""
        with self.api(environment) as api:
            body = {"event": {"name": event, "payload": payload}}
            sent = api.post("/api/v1/events", json=body).raise_for_status().json()
            (run,) = api.get(f"/api/v2/events/{sent['id']}").json()["runs"]
            run_id: str = run["id"]
            return run_id

    def wait(self, run_id: str, status: str) -> None:
        """Wait until a run stands so."""
        query = "select status from perdure.runs where id = %s"
        eventually(lambda: self.db.value(query, run_id) == status, what=f"a run that is {status}")

    def kill_server(self) -> None:
        """End it at once."""
        self.local.family.kill(self.server)

    def start_server(self) -> None:
        """Start it again, and wait until it answers."""
        self.server = self.local.start_server()
        self.local.wait_until_ready()

    def serve(self, environment: Environment, app: str, folder: Path, *, path: str, app_id: str) -> str:
        """Serve an app from now on, and register it; returns its URL.

        Args:
            environment: where its jobs run.
            app: ``module:asgi``, as uvicorn takes it.
            folder: where the module is.
            path: of the jobs in the app.
            app_id: of the Perdure app.
        """
        port = free_port()
        settings = {"PERDURE_API_URL": self.url, "PERDURE_API_KEY": environment.key}
        self.local.family.start(
            app_id,
            [*_UVICORN, app, "--app-dir", str(folder), "--port", str(port)],
            variables={**self.local.variables, **settings},
        )
        url = f"http://127.0.0.1:{port}"
        with self.api(environment) as api:
            body = {"id": app_id, "url": f"{url}{path}"}
            eventually(lambda: api.post("/api/v1/endpoints", json=body).is_success, what="the app's start")
            eventually(
                lambda: self.db.rows(
                    "select 1 from perdure_views.jobs where environment_id = %s", environment.id
                ),
                what="the app's jobs",
            )
        return url


@contextmanager
def running(database_url: str, folder: Path) -> Iterator[System]:
    """Start server and dispatcher over a migrated database; they print into ``folder``."""
    with (
        (folder / "output.log").open("w", encoding="utf-8") as output,
        Family(
            on_line=lambda name, line: print(f"{name}: {line}", file=output, flush=True), stop_timeout_s=10
        ) as family,
        Database(database_url) as db,
    ):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
        local = LocalPerdure(family, database_url, free_port(), variables)
        system = System(db, local, local.start_server(), local.start_dispatcher())
        local.wait_until_ready()
        yield system
