"""The user code of the benchmarks on Absurd, and its worker."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import asyncio
import os
from typing import Any

import uvloop
from absurd_sdk import AsyncAbsurd, AsyncTaskContext

from benchmarks.collector import spare_collector
from benchmarks.marks import Marks

marks = Marks()


async def do_steps(work: dict[str, Any], ctx: AsyncTaskContext) -> None:
    """As many steps as are asked for."""
    for index in range(work.get("steps") or 0):

        async def step(index: int = index) -> int:
            return index

        await ctx.step("step", step)


def make_app() -> AsyncAbsurd:
    """An app over a connection of its own."""
    app = AsyncAbsurd(os.environ["BENCH_DATABASE_URL"], queue_name="bench")

    @app.register_task(name="noop")
    async def noop(work: dict[str, Any], ctx: AsyncTaskContext) -> int:
        marks.mark(work["n"])
        return int(work["n"])

    @app.register_task(name="steps")
    async def steps(work: dict[str, Any], ctx: AsyncTaskContext) -> int:
        await do_steps(work, ctx)
        marks.mark(work["n"])
        return int(work["n"])

    @app.register_task(name="sleep")
    async def sleep(work: dict[str, Any], ctx: AsyncTaskContext) -> int:
        await do_steps(work, ctx)
        marks.mark(-work["n"])
        if work.get("until") is not None:
            await ctx.sleep_until("wait", work["until"])
        else:
            await ctx.sleep_for("wait", work["wait_s"])
        marks.mark(work["n"])
        return int(work["n"])

    return app


async def main() -> None:
    """Execute what is in the queue until the process is ended: several apps, as each has one connection."""
    connections, taken = int(os.environ["BENCH_CONNECTIONS"]), int(os.environ["BENCH_TAKEN"])
    apps = [make_app() for _ in range(connections)]
    for app in apps:
        await app.list_queues()  # connects
    spare_collector()
    print("ready", flush=True)
    await asyncio.gather(
        *(
            app.start_worker(
                worker_id=f"{os.getpid()}-{number}",
                concurrency=taken,
                batch_size=taken,
                poll_interval=float(os.environ["BENCH_POLLING_S"]),
            )
            for number, app in enumerate(apps)
        )
    )


if __name__ == "__main__":
    uvloop.run(main())
