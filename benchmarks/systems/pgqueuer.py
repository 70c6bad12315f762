"""PgQueuer: a queue in Postgres, without steps, results, or waits within a job."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import ClassVar

from benchmarks.system import Batch, Place

from .peer import START_TIMEOUT_S, Peer

_ENDED = """
    select count(*) from pgqueuer_log
    where created >= to_timestamp(%s) and entrypoint = %s and status = 'successful'
"""
_ASLEEP = """
    select count(*) from pgqueuer
    where created >= to_timestamp(%s) and entrypoint = %s and status = 'queued' and execute_after > now()
"""
TAKEN = 1000
"""Jobs that a worker takes at a time, and that it ends at a time."""


class PgQueuer(Peer):
    """Jobs enqueued by a client process, executed by two worker processes: a third faster than one."""

    name: ClassVar[str] = "pgqueuer"
    package = "pgqueuer"
    program = "pgqueuer"
    workers = 2
    batch = 1000
    calls = 2
    lacks: ClassVar[Mapping[str, str]] = {
        "steps": "PgQueuer has no steps",
        "long_run": "PgQueuer has no steps",
    }

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.settings = (
            f"{self.workers} worker processes, asyncpg and uvloop, batch_size {TAKEN}, no limit of "
            f"concurrency, all tables logged; no result is stored, a sleeper is a job not yet begun; client: "
            f"enqueue, {self.batch} a call, {self.calls} connections"
        )

    def variables(self) -> Mapping[str, str]:
        """The settings of the worker."""
        return {"BENCH_TAKEN": str(TAKEN)}

    def install(self) -> None:
        """Make its tables."""
        assert self.postgres
        command = [str(self.place.tools / "venv/bin/pgq"), "--pg-dsn", self.postgres.url(), "install"]
        subprocess.run(command, check=True, timeout=START_TIMEOUT_S, capture_output=True)

    def ended(self, batch: Batch) -> int:
        """Jobs whose success is in the log."""
        assert self.postgres
        return int(self.postgres.value(_ENDED, batch.begun_at, batch.job))

    def asleep(self, batch: Batch) -> int:
        """Jobs that are not due."""
        assert self.postgres
        return int(self.postgres.value(_ASLEEP, batch.begun_at, batch.job))
