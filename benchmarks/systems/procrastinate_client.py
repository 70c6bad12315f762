"""The client of the benchmarks on Procrastinate: defers jobs in batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop

from benchmarks.systems.peer_client import Payloads, answer
from benchmarks.systems.procrastinate_tasks import app


async def main() -> None:
    """Answer the harness."""
    async with app.open_async():

        async def send(job: str, payloads: Payloads) -> None:
            task = app.tasks[job].configure(schedule_at=begin_of(payloads[0]))
            if len(payloads) == 1:
                await task.defer_async(**payloads[0])
            else:
                await task.batch_defer_async(*payloads)

        await answer(send)


def begin_of(payload: dict[str, Any]) -> datetime | None:
    """A wait within a job does not exist: it comes before."""
    if payload.get("until") is not None:
        return datetime.fromtimestamp(payload["until"], UTC)
    return datetime.now(UTC) + timedelta(seconds=payload["wait_s"]) if payload.get("wait_s") else None


if __name__ == "__main__":
    uvloop.run(main())
