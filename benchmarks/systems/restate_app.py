"""The user code of the benchmarks on Restate, and its server: one process, which granian's command is not."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any

import restate
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP2Settings
from granian.server.embed import Server

from benchmarks.collector import spare_collector
from benchmarks.marks import Marks

marks = Marks()
bench = restate.Service("Bench")


async def step(index: int) -> int:
    """A step that does nothing."""
    return index


async def do_steps(ctx: restate.Context, work: dict[str, Any]) -> None:
    """As many steps as are asked for."""
    for index in range(work.get("steps") or 0):
        await ctx.run_typed("step", step, restate.RunOptions(), index)


@bench.handler()
async def noop(ctx: restate.Context, work: dict[str, Any]) -> int:
    """Nothing."""
    marks.mark(work["n"])
    return int(work["n"])


@bench.handler()
async def steps(ctx: restate.Context, work: dict[str, Any]) -> int:
    """Step after step."""
    await do_steps(ctx, work)
    marks.mark(work["n"])
    return int(work["n"])


async def work_and_wait(ctx: restate.Context, work: dict[str, Any]) -> int:
    """Steps, and then a wait."""
    await do_steps(ctx, work)
    marks.mark(-work["n"])
    wait_s = work.get("wait_s")
    if wait_s is None:
        wait_s = max(0.0, work["until"] - time.time())
    await ctx.sleep(timedelta(seconds=wait_s))
    marks.mark(work["n"])
    return int(work["n"])


@bench.handler(inactivity_timeout=timedelta(0))
async def sleep(ctx: restate.Context, work: dict[str, Any]) -> int:
    """A wait without steps before it: it leaves memory at once, and its place to the next."""
    return await work_and_wait(ctx, work)


@bench.handler(inactivity_timeout=timedelta(seconds=10))
async def sleep_after_steps(ctx: restate.Context, work: dict[str, Any]) -> int:
    """The same with steps, between which it is not to leave memory; with 1 s, 1,500 steps never end."""
    return await work_and_wait(ctx, work)


async def main() -> None:
    """Serve until the process is ended."""
    server = Server(
        restate.app([bench], protocol=os.environ["BENCH_PROTOCOL"]),
        port=int(os.environ["BENCH_PORT"]),
        interface=Interfaces.ASGINL,
        http=HTTPModes(os.environ["BENCH_HTTP"]),
        http2_settings=HTTP2Settings(max_concurrent_streams=1000),
        backlog=1024,
        websockets=False,
        log_enabled=False,
    )
    spare_collector()
    await server.serve()


if __name__ == "__main__":
    uvloop.run(main())
