"""The client of the benchmarks on Perdure: sends events in batches, over HTTP or straight to Postgres."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import uvloop

from benchmarks.remote import serve
from perdure import Perdure, make_event

BATCH = 400
CALLS = 6
"""At the same time."""

app = Perdure("bench")

Payloads = list[dict[str, Any]]


async def send(name: str, payloads: Payloads) -> None:
    """Send events over HTTP."""
    if len(payloads) == 1:
        await app.send_event(name, payloads[0])
    else:
        await app.send_events([make_event(name, payload) for payload in payloads], minimal=True)


async def enqueue(connections: asyncio.Queue[psycopg.AsyncConnection], name: str, payloads: Payloads) -> None:
    """Send events in one transaction of ours."""
    connection = await connections.get()
    async with connection.transaction():
        await app.enqueue_events(connection, [make_event(name, payload) for payload in payloads])
    connections.put_nowait(connection)


async def trigger(
    send_batch: Callable[[str, Payloads], Awaitable[None]],
    *,
    job: str,
    first: int,
    count: int,
    payload: dict[str, Any],
    batch: int = BATCH,
) -> dict[str, Any]:
    """Start runs, as ``System.trigger`` says.

    Args:
        batch: most events in a call.
    """
    payloads = [{"n": n, **payload} for n in range(first, first + count)]
    batches = iter([payloads[start : start + batch] for start in range(0, count, batch)])

    async def send_some() -> None:
        for some in batches:
            await send_batch(f"bench.{job}", some)

    begun_ns, begun_at = time.monotonic_ns(), time.time()
    await asyncio.gather(*(send_some() for _ in range(CALLS)))
    return {"begun_ns": begun_ns, "begun_at": begun_at, "stored_ns": time.monotonic_ns()}


async def main() -> None:
    """Answer the harness."""
    send_batch = send
    if database_url := os.environ.get("BENCH_ENQUEUE_URL"):
        connections: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()
        for _ in range(CALLS):
            connections.put_nowait(
                await psycopg.AsyncConnection.connect(database_url, autocommit=True, prepare_threshold=0)
            )

        async def send_batch(name: str, payloads: Payloads) -> None:
            await enqueue(connections, name, payloads)

    async def answer(**arguments: Any) -> dict[str, Any]:
        return await trigger(send_batch, **arguments)

    await serve({"trigger": answer})
    await app.close()


if __name__ == "__main__":
    uvloop.run(main())
