"""The worker of the benchmarks on Procrastinate; with the argument ``install`` it only makes the tables."""

from __future__ import annotations

import asyncio
import os
import sys

import uvloop

from benchmarks.collector import spare_collector
from benchmarks.systems.procrastinate_tasks import app


async def main() -> None:
    """Execute what is in the queue until the process is ended: several workers, as each takes job by job."""
    async with app.open_async():
        if sys.argv[1:] == ["install"]:
            await app.schema_manager.apply_schema_async()
            return
        workers, concurrency = int(os.environ["BENCH_WORKERS"]), int(os.environ["BENCH_CONCURRENCY"])
        running = [
            app.run_worker_async(
                name=f"worker-{number}",
                concurrency=concurrency // workers,
                fetch_job_polling_interval=float(os.environ["BENCH_POLLING_S"]),
                install_signal_handlers=False,
            )
            for number in range(workers)
        ]
        spare_collector()
        print("ready", flush=True)
        await asyncio.gather(*running)


if __name__ == "__main__":
    uvloop.run(main())
