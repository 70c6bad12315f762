"""The founding job on PostgreSQL as it comes: migrated twice, and in the end uninstalled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from perdure_engine.embedded import EmbeddedPostgres
from tests.support.fix_database import TestServer

from .conftest import fresh_database, running

PG15_VARIABLE = "PERDURE_TEST_PG15_URL"
PG15_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
OURS = "select nspname from pg_namespace where nspname like 'perdure%' or nspname = 'pgmq'"


@contextmanager
def cluster(bin_dir: Path | None) -> Iterator[str]:
    """A new cluster with the settings it comes with, reached over TCP with a password like any server."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-e2e-"))
    server = EmbeddedPostgres(folder / "postgres", listen_port=0, bin_dir=bin_dir)
    try:
        yield server.start().url(tcp=True)
    finally:
        server.delete()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stock_server(version: int) -> Iterator[str]:
    if version == 18:
        with cluster(None) as url:
            yield url
    elif given := os.environ.get(PG15_VARIABLE):
        with fresh_database(TestServer(given)) as url:
            yield url
    elif (PG15_PROGRAMS / "postgres").exists():
        with cluster(PG15_PROGRAMS) as url:
            yield url
    else:
        pytest.skip(f"no PostgreSQL 15: set {PG15_VARIABLE}, or install it ({PG15_PROGRAMS} is not there)")


def perdure(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perdure_server.cli", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("version", [15, 18])
def test_the_founding_job_on_a_stock_server(version: int) -> None:
    with stock_server(version) as url:
        first = perdure("migrate", "--database-url", url)
        assert first.returncode == 0, first.stderr
        assert f"(PostgreSQL {version}." in first.stderr
        second = perdure("migrate", "--database-url", url)
        assert second.returncode == 0, second.stderr
        assert "nothing to do" in second.stderr

        with running(url, delay_s=1) as system:
            _, delivery = system.open_issue(f"Opened {uuid4()}")
            run_id = system.wait_for_run(delivery["guid"])
            run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
            assert (run.status, run.output) == ("SUCCESS", "reminded")

        assert perdure("doctor", "--database-url", url).returncode == 0
        assert perdure("uninstall", "--database-url", url, "--yes").returncode == 0
        with psycopg.connect(url) as connection:
            assert connection.execute(OURS).fetchall() == []
