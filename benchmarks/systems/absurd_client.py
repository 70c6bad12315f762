"""The client of the benchmarks on Absurd: the SDK for one run, the SQL function over an array for many."""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
import json
import os

import psycopg
import uvloop
from absurd_sdk import AsyncAbsurd

from benchmarks.systems.peer_client import Payloads, answer

_SPAWN = """
    select absurd.spawn_task('bench', %s, params, '{"max_attempts": 5}')
    from unnest(%s::text[]::jsonb[]) as params
"""


async def main() -> None:
    """Answer the harness."""
    connections: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()
    for _ in range(int(os.environ["BENCH_CALLS"])):
        connections.put_nowait(
            await psycopg.AsyncConnection.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
        )

    async def send(job: str, payloads: Payloads) -> None:
        connection = await connections.get()
        if len(payloads) == 1:
            await AsyncAbsurd(connection, queue_name="bench").spawn(job, payloads[0], queue="bench")
        else:
            await connection.execute(_SPAWN, [job, [json.dumps(payload) for payload in payloads]])
        connections.put_nowait(connection)

    await answer(send)


if __name__ == "__main__":
    uvloop.run(main())
