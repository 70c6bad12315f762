"""``perdure dev``: from one command to a run, through a change of the code, to a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from perdure_server.cli.api_client import ApiClient, connect
from perdure_server.cli.local.ports import free_port, listen
from tests.support.waiting import eventually

from .conftest import delete_clusters, marked_processes

SHOP = """
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Mount

from perdure import IO, Perdure, event_trigger

class Order(BaseModel):
    number: int

app = Perdure("shop")
web = Starlette(routes=[Mount("/api/perdure", app.asgi())])

@app.job(id="ship", version="1.0.0", on=event_trigger("ordered"))
async def ship(payload: Order, io: IO) -> str:
    await io.run_task("pack", pack, payload.number)
    return "ANSWER"

async def pack(number: int) -> str:
    print(f"packed {number}")
    return f"parcel {number}"
"""


@dataclass
class Dev:
    """A ``perdure dev`` in a folder of its own."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    lines: list[str] = field(default_factory=list)

    def wait_for(self, text: str, *, since: int = 0) -> str:
        """Wait until it prints a line with ``text``, and return that."""

        def find() -> str | None:
            found = next((line for line in self.lines[since:] if text in line), None)
            assert found or self.process.poll() is None, "\n".join(self.lines)
            return found

        return eventually(find, timeout_s=60, what=f"{text!r} in:\n" + "\n".join(self.lines)) or ""

    @property
    def api(self) -> ApiClient:
        """The API, with the key that was made."""
        return connect(None, None, self.folder / ".perdure")

    def output_of_run(self) -> Any:
        """Send an event, and return what came of the run that it started."""
        with self.api as api:
            event = api.post("/api/v1/events", {"event": {"name": "ordered", "payload": {"number": 7}}})
            (run,) = api.get(f"/api/v2/events/{event['id']}")["runs"]
            path = f"/api/v2/runs/{run['id']}"
            eventually(lambda: api.get(path)["completedAt"], timeout_s=30, what="the end of the run")
            ended = api.get(path)
        assert ended["status"] == "SUCCESS"
        return ended["output"]

    def perdure(self, *arguments: str) -> Any:
        """Run a command in the folder, as the developer does in another terminal; returns its JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "perdure_server.cli", *arguments, "--json"],
            cwd=self.folder,
            env=variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def pid_of(self, command: str) -> int:
        """The process number of one of its children, by what it was told to do."""
        (found,) = [entry for entry in marked_processes(self.folder.name) if f"cli {command} " in entry]
        return int(found.partition(":")[0])

    def write(self, text: str) -> int:
        """Change the app's code; returns how many lines have been printed before."""
        before = len(self.lines)
        (self.folder / "shop.py").write_text(text)
        return before


def variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("PERDURE_")
    }


@contextmanager
def dev(folder: Path, *arguments: str, target: str = "shop:app") -> Iterator[Dev]:
    port = free_port()
    command = ["dev", target, "--port", str(port), "--app-port", str(free_port()), *arguments]
    with subprocess.Popen(
        [sys.executable, "-m", "perdure_server.cli", *command],
        cwd=folder,
        env={**variables(), "PERDURE_TEST_MARK": folder.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        started = Dev(process, folder, port)

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                started.lines.append(line.rstrip("\n"))

        reader = Thread(target=read, daemon=True)
        reader.start()
        try:
            yield started
        finally:
            process.kill()
            reader.join(timeout=10)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of an app, with a name that nothing else on this machine has."""
    made = tmp_path / f"shop-{uuid4().hex}"
    made.mkdir()
    (made / "shop.py").write_text(SHOP)
    yield made
    delete_clusters(made)


def test_dev_runs_jobs_and_loads_the_app_anew_when_its_code_changes(folder: Path) -> None:
    with dev(folder) as session:
        session.wait_for("everything runs")
        (run,) = session.perdure("trigger", "ordered", "--payload", '{"number": 7}')["runs"]
        shown = session.perdure("runs", "watch", run["id"])
        assert (shown["status"], shown["output"]) == ("SUCCESS", "ANSWER")
        assert [execution["reply_status"] for execution in shown["executions"]] == ["SUCCESS"]
        session.wait_for("packed 7")

        since = session.write(SHOP.replace("ANSWER", "changed").replace('id="ship"', 'id="send"'))
        session.wait_for("loaded: 1 job", since=since)
        assert session.output_of_run() == "changed"
        with session.api as api:
            assert len(api.get("/api/v1/runs", job="send")["runs"]) == 1

        since = session.write(SHOP + "raise RuntimeError('half of an idea')\n")
        session.wait_for("RuntimeError: half of an idea", since=since)
        session.wait_for("goes on as it was", since=since)
        assert not any("Traceback" in line for line in session.lines)
        assert session.output_of_run() == "changed"

        since = session.write(SHOP.replace("ANSWER", "mended"))
        session.wait_for("loaded: 1 job", since=since)
        assert session.output_of_run() == "mended"

        session.process.send_signal(signal.SIGINT)
        assert session.process.wait(timeout=40) == 0
    assert session.lines[-1] == "perdure dev: stopped."
    assert marked_processes(folder.name) == []


def test_dev_keeps_its_key_and_its_data_and_leaves_no_process_when_killed(folder: Path) -> None:
    with dev(folder, "--public-url", "https://tunnel.example.com", target="shop:web") as session:
        session.wait_for("everything runs")
        session.wait_for("https://tunnel.example.com/api/v1/sources/")
        session.output_of_run()
        key = (folder / ".perdure" / "dev.key").read_text()
        assert len(marked_processes(folder.name)) >= 5
        session.process.kill()
    eventually(lambda: not marked_processes(folder.name), timeout_s=20, what="the end of every process")
    with dev(folder) as again:
        again.wait_for("everything runs")
        assert (folder / ".perdure" / "dev.key").read_text() == key
        with again.api as api:
            assert len(api.get("/api/v1/runs")["runs"]) == 1
        os.kill(again.pid_of("dispatcher"), signal.SIGKILL)
        assert again.process.wait(timeout=40) == 1
    assert any("dispatcher was ended by signal SIGKILL" in line for line in again.lines)
    assert marked_processes(folder.name) == []


def test_dev_refuses_an_app_that_cannot_be_loaded(folder: Path) -> None:
    (folder / "shop.py").write_text("import nothing_of_this_name\n")
    with dev(folder) as session:
        assert session.process.wait(timeout=60) == 1
    assert any("No module named 'nothing_of_this_name'" in line for line in session.lines)
    assert not any("Traceback" in line for line in session.lines)
    assert marked_processes(folder.name) == []


def test_dev_tells_that_a_webhook_could_not_be_registered(folder: Path) -> None:
    (folder / "hooked.py").write_text(
        "from perdure import Perdure\n"
        "from perdure_github import GitHub\n"
        "app = Perdure('hooked')\n"
        "github = GitHub('github')  # without a token\n"
        "@app.job(id='greet', version='1.0.0', on=github.issue_opened(owner='acme', repo='site'))\n"
        "async def greet(payload, io): ...\n"
    )
    with dev(folder, target="hooked:app") as session:
        session.wait_for("github.repo.acme.site could not be registered: GitHub: no token")


def test_dev_says_how_to_name_another_path(folder: Path) -> None:
    with dev(folder, "--path", "/api/elsewhere", target="shop:web") as session:
        assert session.process.wait(timeout=60) == 1
    assert any("give that --path" in line for line in session.lines)


def test_dev_refuses_a_port_that_is_taken_before_it_starts_anything(folder: Path) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with dev(folder, "--app-port", str(port)) as session:
            assert session.process.wait(timeout=60) == 1
    assert any(f"cannot listen on 127.0.0.1:{port}" in line for line in session.lines)
    assert not (folder / ".perdure" / "postgres").exists()
