"""The user code of the benchmarks on PgQueuer, and its worker."""

# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator"

from __future__ import annotations

import json
import os
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job

from benchmarks.collector import spare_collector
from benchmarks.marks import Marks


async def main() -> None:
    """Execute what is in the queue until the process is ended."""
    marks = Marks()
    taken = int(os.environ["BENCH_TAKEN"])
    pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=2, max_size=4)
    pgq = PgQueuer.from_asyncpg_pool(pool)

    @pgq.entrypoint("noop")
    async def noop(job: Job) -> None:
        marks.mark(json.loads(job.payload)["n"])

    @pgq.entrypoint("sleep")
    async def sleep(job: Job) -> None:
        marks.mark(json.loads(job.payload)["n"])

    spare_collector()
    print("ready", flush=True)
    await pgq.run(batch_size=taken, dequeue_timeout=timedelta(seconds=30))


if __name__ == "__main__":
    uvloop.run(main())
