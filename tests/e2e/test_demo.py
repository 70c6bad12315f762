"""The demo as people start it: it ends well, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.waiting import eventually

from .conftest import delete_clusters, marked_processes

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def demo(folder: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """The demo, with its temporary files in ``folder``; its processes can be told by that."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.github_reminder.demo", *flags],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a name that nothing else on this machine has."""
    made = tmp_path / f"demo-{uuid4().hex}"
    made.mkdir()
    yield made
    delete_clusters(made)


def check_that_nothing_is_left(folder: Path) -> None:
    assert marked_processes(folder.name) == []
    assert list(folder.iterdir()) == []


def test_the_demo_ends_with_success_and_leaves_nothing(folder: Path) -> None:
    with demo(folder) as process:
        printed, _ = process.communicate(timeout=90)
    assert process.returncode == 0, printed
    assert printed.rstrip().endswith("SUCCESS")
    assert 'run SUCCESS, output "reminded"' in printed
    assert 'run SUCCESS, output "active"' in printed
    assert "POST /api/chat.postMessage" in printed
    check_that_nothing_is_left(folder)


def test_the_demo_leaves_nothing_when_it_is_interrupted(folder: Path) -> None:
    with demo(folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "WAITING_TO_CONTINUE" in line:
                break
        assert len(marked_processes(folder.name)) > 5
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 1
    assert rest.rstrip().endswith("stopped")
    check_that_nothing_is_left(folder)


def test_the_demo_leaves_no_process_when_it_is_killed(folder: Path) -> None:
    with demo(folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "dispatcher" in line:
                break
        process.kill()
    eventually(lambda: not marked_processes(folder.name), timeout_s=20, what="the end of every process")


def test_the_demo_tells_what_is_wrong(folder: Path) -> None:
    with demo(folder, "--database-url", "postgresql://127.0.0.1:1/none") as process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in printed
    assert "FAILED: no connection to Postgres" in printed
    check_that_nothing_is_left(folder)
