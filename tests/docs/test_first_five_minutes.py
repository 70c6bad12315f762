"""docs/first-five-minutes.md, followed in real terminals: ``perdure dev`` in one, the commands in another."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.cli.local.ports import free_port
from tests.docs.console import commands
from tests.docs.pages import ROOT, read_page
from tests.support.waiting import eventually

PAGE = read_page(ROOT / "docs/first-five-minutes.md")
(APP,) = [block.code.partition("\n")[2] for block in PAGE.blocks if block.file_name == "app.py"]
(PRINTED,) = [block.code.splitlines() for block in PAGE.blocks if block.language == "text"]
COMMANDS = [
    line
    for block in PAGE.blocks
    if block.language == "console" and not block.runs
    for line in commands(PAGE.where(block), block.code)
    if line.startswith("perdure ")
]


class Terminal:
    """What was printed by ``perdure dev`` in the folder of the app."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*cli(command), "--port", str(free_port()), "--app-port", str(free_port())],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str) -> None:
        """Wait until a line has ``text`` in it, and forget the lines up to there."""

        def is_there() -> bool:
            found = [index for index, line in enumerate(self.lines) if text in line]
            if found:
                del self.lines[: found[0] + 1]
            assert found or self.process.poll() is None, "\n".join(self.lines)
            return bool(found)

        eventually(is_there, timeout_s=60, what=text)

    def run(self, command: str) -> str:
        """Run a command in another terminal, in the same folder."""
        done = subprocess.run(
            cli(command),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def close(self) -> None:
        """Press Ctrl-C, and wait."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=40)
        self._reader.join(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


def cli(command: str) -> list[str]:
    assert command.startswith("perdure ")
    arguments = re.findall(r"'([^']*)'|(\S+)", command.removeprefix("perdure "))
    return [sys.executable, "-m", "perdure_server.cli", *(quoted or plain for quoted, plain in arguments)]


def environment() -> dict[str, str]:
    ours = ("DATABASE_URL", "PERDURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    folder = tmp_path / "shop"
    folder.mkdir()
    init, dev, *_ = COMMANDS
    subprocess.run(cli(init), cwd=folder, env=environment(), capture_output=True, timeout=60, check=True)
    opened = Terminal(folder, dev)
    try:
        yield opened
        opened.close()
    finally:
        opened.process.kill()
        for lock in list(tmp_path.rglob("supervisor.lock")):
            EmbeddedPostgres(lock.parent).delete()


def test_the_first_five_minutes(terminal: Terminal) -> None:
    init, dev, trigger, runs, watch = COMMANDS
    assert (init, dev) == ("perdure init", "perdure dev app:app")
    assert (terminal.folder / "app.py").read_text() == APP
    terminal.wait_for("everything runs")
    terminal.wait_for("/dashboard/enter?link=")
    terminal.wait_for(trigger)
    run_id = run_of(terminal.run(trigger))
    assert run_id in terminal.run(runs)
    assert "SUCCESS" in terminal.run(watch.replace("RUN_ID", run_id))
    for line in PRINTED:
        terminal.wait_for(line)

    (terminal.folder / "app.py").write_text(APP.replace('"Three tips"', '"Three tips", 1 / 0'))
    terminal.wait_for("loaded: 1 job")
    broken = run_of(terminal.run(trigger))
    shown = terminal.run(watch.replace("RUN_ID", broken))
    assert "FAILURE" in shown
    assert "division by zero" in shown


def run_of(printed: str) -> str:
    """The id of the run that a command says it started."""
    (found,) = set(re.findall(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", printed.partition("run")[2])) or {""}
    assert found, printed
    return found
