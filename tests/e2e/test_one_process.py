"""``perdure serve --dispatch``: server and dispatcher in one process, told to stop and killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from perdure_server.cli.local.platform import prepare_database
from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child, Family
from tests.support.database import Database
from tests.support.waiting import eventually

KEY = "tr_dev_" + "5" * 40
APP = Path(__file__).with_name("one_process_app.py")


@dataclass
class OneProcess:
    """A database, an app, and the process."""

    family: Family
    db: Database
    gate: Path
    port: int = field(default_factory=free_port)
    app_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Child:
        """Start the process; returns when it serves."""
        process = self.family.start(
            "serve",
            [sys.executable, "-m", "perdure_server.cli", "serve", "--dispatch", "--port", str(self.port)],
            variables={
                **os.environ,
                "PERDURE_DATABASE_URL": self.db.url,
                "PERDURE_SLOTS": "4",
                "PERDURE_DRAIN_S": "20",
            },
        )
        eventually(self._is_ready, what="the server")
        return process

    def start_app(self) -> None:
        """Start the app and register it."""
        self.family.start(
            "app",
            [sys.executable, str(APP), str(self.app_port)],
            variables={
                **os.environ,
                "PERDURE_API_URL": self.url,
                "PERDURE_API_KEY": KEY,
                "GATE": str(self.gate),
            },
        )
        body = {"id": "one", "url": f"http://127.0.0.1:{self.app_port}/"}
        headers = {"authorization": f"Bearer {KEY}"}
        eventually(
            lambda: httpx.post(f"{self.url}/api/v1/endpoints", json=body, headers=headers).is_success,
            what="the app",
        )
        eventually(lambda: self.db.value("select count(*) from perdure.environment_jobs"), what="its job")

    def send(self) -> None:
        """Send the event."""
        body = {"event": {"name": "greet", "payload": {}}}
        headers = {"authorization": f"Bearer {KEY}"}
        httpx.post(f"{self.url}/api/v1/events", json=body, headers=headers).raise_for_status()

    def statuses(self) -> list[str]:
        """Those of all runs."""
        return [row.status for row in self.db.rows("select status from perdure.runs order by id")]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def one(own_database_url: str, tmp_path: Path) -> Iterator[OneProcess]:
    prepare_database(own_database_url, organization="acme", project="one", key=KEY, echo=lambda _: None)
    with (
        Family(on_line=lambda name, line: print(f"{name}: {line}"), stop_timeout_s=15) as family,
        Database(own_database_url) as db,
    ):
        yield OneProcess(family, db, tmp_path / "gate")


def test_what_is_under_way_ends_before_the_process_does(one: OneProcess) -> None:
    """Its steps are stored by the very process that is told to stop."""
    process = one.start()
    one.start_app()
    one.send()
    eventually(lambda: one.statuses() == ["EXECUTING"], what="the execution")
    process.interrupt()
    process.wait_for_line(lambda line: "draining" in line, timeout_s=20)
    one.gate.touch()
    process.wait(timeout_s=20)
    assert process.exit_status == 0
    assert one.db.rows("select status, output from perdure.runs") == [("SUCCESS", "done")]
    assert [row.status for row in one.db.rows("select status from perdure.tasks")] == ["COMPLETED"]


def test_a_killed_process_leaves_its_runs_to_the_next(one: OneProcess) -> None:
    process = one.start()
    one.start_app()
    one.send()
    eventually(lambda: one.statuses() == ["EXECUTING"], what="the execution")
    one.family.kill(process)
    one.gate.touch()
    one.db.execute("update perdure.leases set expires_at = now()")  # it would take a minute
    one.start()
    eventually(lambda: one.statuses() == ["SUCCESS"], what="the end")
    one.send()
    eventually(lambda: one.statuses() == ["SUCCESS"] * 2, what="another run")
