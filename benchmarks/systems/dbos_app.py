"""The user code of the benchmarks on DBOS, and its worker."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from dbos import DBOS

from benchmarks.collector import spare_collector
from benchmarks.marks import Marks

marks = Marks()


@DBOS.step()
async def step(index: int) -> int:
    """A step that does nothing."""
    return index


async def do_steps(work: dict[str, Any]) -> None:
    """As many steps as are asked for."""
    for index in range(work.get("steps") or 0):
        await step(index)


@DBOS.workflow()
async def noop(work: dict[str, Any]) -> int:
    """Nothing."""
    marks.mark(work["n"])
    return int(work["n"])


@DBOS.workflow()
async def steps(work: dict[str, Any]) -> int:
    """Step after step."""
    await do_steps(work)
    marks.mark(work["n"])
    return int(work["n"])


@DBOS.workflow()
async def sleep(work: dict[str, Any]) -> int:
    """Steps, and then a wait."""
    await do_steps(work)
    marks.mark(-work["n"])
    wait_s = work.get("wait_s")
    if wait_s is None:
        wait_s = max(0.001, work["until"] - time.time())
    await DBOS.sleep_async(wait_s)
    marks.mark(work["n"])
    return int(work["n"])


async def main() -> None:
    """Execute what is in the queues until the process is ended."""
    DBOS(
        config={
            "name": "bench",
            "application_version": "bench",
            "executor_id": "bench",
            "system_database_url": os.environ["BENCH_DATABASE_URL"],
            "sys_db_pool_size": int(os.environ["BENCH_POOL_SIZE"]),
            "max_executor_threads": int(os.environ["BENCH_THREADS"]),
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async(
        "bench",
        worker_concurrency=int(os.environ["BENCH_CONCURRENCY"]),
        polling_interval_sec=float(os.environ["BENCH_POLLING_S"]),
    )
    # A sleeping workflow keeps its place in the queue: with a limit, nothing else would start. Without one,
    # each poll takes all that is there, and need not come often.
    await DBOS.register_queue_async("sleep", polling_interval_sec=float(os.environ["BENCH_SLEEP_POLLING_S"]))
    spare_collector()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
