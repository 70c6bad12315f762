"""The whole system as real processes, over a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from examples.github_reminder.demo_system import ENDPOINT_TIMEOUT_MS, ReminderSystem
from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.cli.local.processes import Family
from tests.support.fix_database import TestServer


@contextmanager
def running(
    database_url: str, *, delay_s: float, endpoint_timeout_ms: int = ENDPOINT_TIMEOUT_MS
) -> Iterator[ReminderSystem]:
    """The founding example over a database; what its processes print is in the report of a failure."""
    with (
        Family(on_line=lambda name, line: print(f"{name}: {line}"), stop_timeout_s=15) as family,
        ReminderSystem(
            family, database_url, delay_s=delay_s, endpoint_timeout_ms=endpoint_timeout_ms, tell=print
        ) as system,
    ):
        yield system


@contextmanager
def fresh_database(server: TestServer) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"perdure_e2e_{uuid4().hex[:12]}"
    with server.janitor(name):
        yield server.url(name)


@pytest.fixture(scope="module")
def database_url(postgres_server: TestServer) -> Iterator[str]:
    """An empty database for a module."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def own_database_url(postgres_server: TestServer) -> Iterator[str]:
    """An empty database for a test."""
    with fresh_database(postgres_server) as url:
        yield url


def delete_clusters(folder: Path) -> None:
    """Remove the embedded servers below a folder; for root they have files elsewhere, too."""
    for lock in list(folder.rglob("supervisor.lock")):
        EmbeddedPostgres(lock.parent).delete()


def marked_processes(mark: str) -> list[str]:
    """The processes of this machine whose environment or command line contains ``mark``.

    A process that has ended and is only waiting to be noticed does not count.
    """
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            environment = (folder / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone meanwhile, or somebody else's
        if status != "Z" and mark.encode() in command + environment:
            found.append(f"{folder.name}: {command.decode(errors='replace')[:200]}")
    return found
