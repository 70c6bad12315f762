"""What the clients of all peers share: payloads are made and sent in batches, and the time is taken.

Standard library only: the peers' programs import it in an environment of their own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.remote import serve

Payloads = list[dict[str, Any]]


async def answer(send: Callable[[str, Payloads], Awaitable[None]]) -> None:
    """Answer the harness until it closes its end.

    Args:
        send: starts runs of a job with these payloads, one to ``BENCH_BATCH``, and returns when they are
            stored; called ``BENCH_CALLS`` times at the same time.
    """
    batch, calls = int(os.environ["BENCH_BATCH"]), int(os.environ["BENCH_CALLS"])

    async def trigger(*, job: str, first: int, count: int, payload: dict[str, Any]) -> dict[str, Any]:
        payloads = [{"n": n, **payload} for n in range(first, first + count)]
        batches = iter([payloads[start : start + batch] for start in range(0, count, batch)])

        async def send_some() -> None:
            for some in batches:
                await send(job, some)

        begun_ns, begun_at = time.monotonic_ns(), time.time()
        await asyncio.gather(*(send_some() for _ in range(min(calls, count))))
        return {"begun_ns": begun_ns, "begun_at": begun_at, "stored_ns": time.monotonic_ns()}

    await serve({"trigger": trigger})
