"""Absurd: SQL functions in Postgres, called by workers that poll."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import ClassVar

from benchmarks.system import Batch, Place

from .peer import START_TIMEOUT_S, Peer

_COUNT = "select count(*) from absurd.t_bench where task_id >= %s::uuid and task_name = %s and state = %s"
_PRINT_SCHEMA = "import absurdctl; print(absurdctl.BUNDLED_SCHEMA_SQL)"
CONNECTIONS = 4
TAKEN = 25
"""Runs that a connection takes at a time, and executes at a time."""
POLLING_S = 0.02


class Absurd(Peer):
    """Tasks spawned by a client process, executed by one worker process."""

    name: ClassVar[str] = "absurd"
    package = "absurd_sdk"
    program = "absurd"
    batch = 100
    calls = 2

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.settings = (
            f"{self.workers} worker process with {CONNECTIONS} connections, uvloop; each takes {TAKEN} runs "
            f"at a time and polls every {POLLING_S * 1000:g} ms when there are none; client: spawn_task over "
            f"an array, {self.batch} a statement, {self.calls} connections"
        )

    def variables(self) -> Mapping[str, str]:
        """The settings of the worker."""
        return {
            "BENCH_CONNECTIONS": str(CONNECTIONS),
            "BENCH_TAKEN": str(TAKEN),
            "BENCH_POLLING_S": str(POLLING_S),
        }

    def install(self) -> None:
        """Make its schema, which absurdctl ships, and a queue."""
        assert self.postgres
        schema = subprocess.run(
            [self.python, "-c", _PRINT_SCHEMA], check=True, timeout=START_TIMEOUT_S, capture_output=True
        ).stdout
        self.postgres.watcher.execute(schema)
        self.postgres.watcher.execute("select absurd.create_queue('bench')")

    def ended(self, batch: Batch) -> int:
        """Tasks that are completed."""
        return self._count(batch, "completed")

    def asleep(self, batch: Batch) -> int:
        """Tasks that are suspended in their wait."""
        return self._count(batch, "sleeping")

    def _count(self, batch: Batch, state: str) -> int:
        """Ids begin with the millisecond of the task's making."""
        assert self.postgres
        first_id = f"{int(batch.begun_at * 1000):012x}".ljust(32, "0")
        return int(self.postgres.value(_COUNT, first_id, batch.job, state))
