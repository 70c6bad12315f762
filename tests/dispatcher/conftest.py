"""Fixtures: dispatchers that run beside the test, and an app in production for them to call."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dispatcher.running import RunningDispatcher, running_dispatcher
from tests.support.builders import Builders, Endpoint
from tests.support.fix_endpoint import ScriptedEndpoint

StartDispatcher = Callable[..., RunningDispatcher]
StartProcess = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def app(builders: Builders, scripted_endpoint: ScriptedEndpoint) -> Endpoint:
    """The scripted endpoint, registered in production: in development the first failure is the last."""
    return builders.endpoint(environment=builders.environment("prod"), url=scripted_endpoint.url)


@pytest.fixture
def start_dispatcher(db_url: str) -> Iterator[StartDispatcher]:
    """Start a dispatcher on the test's database with these settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_dispatcher(db_url, **settings))


@pytest.fixture
def process_log(tmp_path: Path) -> Path:
    """What the processes of ``start_process`` log."""
    return tmp_path / "dispatcher.log"


@pytest.fixture
def start_process(db_url: str, process_log: Path) -> Iterator[StartProcess]:
    """Start a dispatcher as a process on the test's database with these variables; killed after the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PERDURE_DATABASE_URL": db_url, **variables}
        with process_log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "perdure_dispatcher"], env=environment, stderr=log
            )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(timeout=10)
