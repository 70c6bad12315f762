"""Procrastinate: a queue in Postgres, without steps, results, or waits within a job."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import ClassVar

from benchmarks.system import CONCURRENCY, Batch, Place, environment

from .peer import START_TIMEOUT_S, Peer

_ENDED = """
    select count(*)
    from procrastinate_events as events join procrastinate_jobs as jobs on jobs.id = events.job_id
    where events.at >= to_timestamp(%s) and events.type = 'succeeded' and jobs.task_name = %s
"""
_ASLEEP = """
    select count(*)
    from procrastinate_events as events join procrastinate_jobs as jobs on jobs.id = events.job_id
    where events.at >= to_timestamp(%s) and events.type = 'deferred' and jobs.task_name = %s
        and jobs.status = 'todo' and jobs.scheduled_at > now()
"""
WORKERS = 5
POOL_SIZE = 10
POLLING_S = 0.5


class Procrastinate(Peer):
    """Jobs deferred by a client process, executed by one worker process."""

    name: ClassVar[str] = "procrastinate"
    package = "procrastinate"
    program = "procrastinate"
    batch = 500
    calls = 2
    lacks: ClassVar[Mapping[str, str]] = {
        "steps": "Procrastinate has no steps",
        "long_run": "Procrastinate has no steps",
    }

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.settings = (
            f"{self.workers} process, uvloop, {WORKERS} workers of {CONCURRENCY // WORKERS} jobs in it, "
            f"woken by notifications, polling for sleepers every {POLLING_S * 1000:g} ms, pool {POOL_SIZE}; "
            f"no result is stored, a sleeper is a job not yet begun; client: batch_defer, "
            f"{self.batch} a call, {self.calls} connections"
        )

    def variables(self) -> Mapping[str, str]:
        """The settings of the workers."""
        return {
            "BENCH_WORKERS": str(WORKERS),
            "BENCH_CONCURRENCY": str(CONCURRENCY),
            "BENCH_POOL_SIZE": str(POOL_SIZE),
            "BENCH_POLLING_S": str(POLLING_S),
        }

    def install(self) -> None:
        """Make its tables."""
        assert self.postgres
        variables = {**environment(), **self.variables(), "BENCH_DATABASE_URL": self.postgres.url()}
        command = [str(self.python), "-m", "benchmarks.systems.procrastinate_app", "install"]
        subprocess.run(command, check=True, timeout=START_TIMEOUT_S, capture_output=True, env=variables)

    def ended(self, batch: Batch) -> int:
        """Jobs whose success is stored."""
        assert self.postgres
        return int(self.postgres.value(_ENDED, batch.begun_at, batch.job))

    def asleep(self, batch: Batch) -> int:
        """Jobs that are not due."""
        assert self.postgres
        return int(self.postgres.value(_ASLEEP, batch.begun_at, batch.job))
