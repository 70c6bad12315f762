"""DBOS: a library in the app's process, its state in Postgres; queues that are polled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from benchmarks.system import CONCURRENCY, Batch, Place

from .peer import Peer

_ENDED = """
    select count(*) from dbos.workflow_status
    where created_at >= %s and name = %s and status = 'SUCCESS'
"""
_ASLEEP = """
    select count(*) from dbos.operation_outputs as steps
    join dbos.workflow_status as runs using (workflow_uuid)
    where runs.created_at >= %s and runs.name = %s and steps.function_name = 'DBOS.sleep'
"""
POLLING_S = 0.01
SLEEP_POLLING_S = 0.1
POOL_SIZE = 20
THREADS = 20


class Dbos(Peer):
    """Workflows enqueued by a client process, executed by one worker process."""

    name: ClassVar[str] = "dbos"
    package = "dbos"
    program = "dbos"
    batch = 100
    calls = 2

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.settings = (
            f"1 worker process, async workflows, pool {POOL_SIZE}, {THREADS} threads, worker_concurrency "
            f"{CONCURRENCY}, polling every {POLLING_S * 1000:g} ms; for sleepers, which stay in memory, a "
            f"queue without a limit, polled every {SLEEP_POLLING_S * 1000:g} ms; client: "
            f"enqueue_in_transaction, {self.batch} a transaction, {self.calls} connections"
        )

    def variables(self) -> Mapping[str, str]:
        """The settings of the worker."""
        return {
            "BENCH_CONCURRENCY": str(CONCURRENCY),
            "BENCH_POLLING_S": str(POLLING_S),
            "BENCH_SLEEP_POLLING_S": str(SLEEP_POLLING_S),
            "BENCH_POOL_SIZE": str(POOL_SIZE),
            "BENCH_THREADS": str(THREADS),
        }

    def ended(self, batch: Batch) -> int:
        """Workflows that succeeded."""
        assert self.postgres
        return int(self.postgres.value(_ENDED, int(batch.begun_at * 1000), batch.job))

    def asleep(self, batch: Batch) -> int:
        """Workflows whose wait is stored; they stay in memory all the same."""
        assert self.postgres
        return int(self.postgres.value(_ASLEEP, int(batch.begun_at * 1000), batch.job))
