"""From nothing to a run on the dashboard: two commands, in a virtual environment with wheels of this tree."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import httpx
import pytest

from perdure_server.cli.local.ports import free_port
from tests.support.waiting import eventually
from tests.support.wheelhouse import fill_wheelhouse

from .conftest import delete_clusters

MOST_S = 60.0
"""From the first command to the finished run; what was downloaded and installed before does not count."""
_INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--no-index")


@dataclass(frozen=True, slots=True)
class Machine:
    """Somebody's machine, with nothing but a virtual environment that has perdure[dev] in it."""

    folder: Path
    variables: dict[str, str]

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command in the folder of the app."""
        return subprocess.Popen(
            shlex.split(command),
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """Run a command to its end; returns what it printed."""
        with self.start(command) as process:
            printed, _ = process.communicate(timeout=MOST_S)
        assert process.returncode == 0, printed
        return printed


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    venv, wheels, folder = tmp_path / "venv", tmp_path / "wheels", tmp_path / "shop"
    for made in (wheels, folder):
        made.mkdir()
    fill_wheelhouse(wheels, "perdure[dev]")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    subprocess.run([*pip, *_INSTALL, "--find-links", str(wheels), "perdure[dev]"], check=True)
    yield Machine(
        folder,
        {
            "HOME": str(tmp_path),
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "PERDURE_PORT": str(free_port()),
            "PERDURE_APP_PORT": str(free_port()),
        },
    )
    delete_clusters(folder)


def test_two_commands_lead_to_a_run_on_the_dashboard(machine: Machine) -> None:
    started = time.monotonic()
    assert "perdure dev app:app" in machine.run("perdure init")
    lines: list[str] = []
    with machine.start("perdure dev app:app") as dev:

        def read() -> None:
            assert dev.stdout is not None
            lines.extend(iter(dev.stdout.readline, ""))

        reader = Thread(target=read, daemon=True)
        reader.start()
        try:
            link, event = (find(dev, lines, start) for start in ("http", "perdure trigger "))
            run_id = re.findall(r"^[0-9a-f-]{36}$", machine.run(event), re.MULTILINE)[0]
            with httpx.Client(follow_redirects=True, trust_env=False) as browser:
                page = browser.get(link)
                assert (page.status_code, page.url.path) == (200, "/dashboard/orgs/local/projects/local/dev")
                runs = f"{page.url.copy_with(query=None)}/runs"
                eventually(
                    lambda: re.search(r"Three tips", browser.get(f"{runs}/{run_id}").text),
                    timeout_s=MOST_S,
                    what="the run's output on its page",
                )
                assert run_id in browser.get(runs).text
            took_s = time.monotonic() - started
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(timeout=40)
            reader.join(timeout=10)
    assert took_s < MOST_S
    print(f"from the first command to the finished run: {took_s:.1f} s")


def find(dev: subprocess.Popen[str], lines: list[str], start: str) -> str:
    """The first line that begins so, when there is one."""

    def look() -> str | None:
        assert dev.poll() is None, "".join(lines)
        return next((line.strip() for line in list(lines) if line.strip().startswith(start)), None)

    return eventually(look, timeout_s=MOST_S, what=f"{start!r} in what perdure dev prints") or ""
