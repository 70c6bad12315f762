"""The client of the benchmarks on PgQueuer: enqueues lists of jobs."""

# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.queries import Queries

from benchmarks.systems.peer_client import Payloads, answer


async def main() -> None:
    """Answer the harness."""
    calls = int(os.environ["BENCH_CALLS"])
    pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=calls, max_size=calls)
    queries = Queries(AsyncpgPoolDriver(pool))

    async def send(job: str, payloads: Payloads) -> None:
        bodies = [json.dumps(payload).encode() for payload in payloads]
        delay, size = delay_of(payloads[0]), len(payloads)
        if size == 1:
            await queries.enqueue(job, bodies[0], execute_after=delay)
        else:
            await queries.enqueue([job] * size, bodies, [0] * size, [delay] * size)

    await answer(send)
    await pool.close()


def delay_of(payload: dict[str, Any]) -> timedelta | None:
    """A wait within a job does not exist: it comes before."""
    if payload.get("until") is not None:
        return timedelta(seconds=payload["until"] - time.time())
    return timedelta(seconds=payload["wait_s"]) if payload.get("wait_s") else None


if __name__ == "__main__":
    uvloop.run(main())
