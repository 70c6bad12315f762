"""The user code of the benchmarks on Perdure: ``uvicorn benchmarks.systems.perdure_app:asgi``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from benchmarks.marks import Marks
from perdure import IO, Perdure, event_trigger


class Work(BaseModel):
    """The payload of each job."""

    n: int
    steps: int = 0
    wait_s: float | None = None
    until: float | None = None


marks = Marks()
app = Perdure("bench")


async def step(index: int) -> int:
    """A step that does nothing."""
    return index


async def write(_connection: Any, index: int) -> int:
    """A step that does nothing, in a transaction of the app's database."""
    return index


if os.environ.get("BENCH_STEPS") == "transaction":
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        os.environ["PERDURE_DATABASE_URL"],
        min_size=1,
        max_size=int(os.environ["BENCH_POOL_SIZE"]),
        open=False,
        kwargs={"prepare_threshold": 0},
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Any]:
        """A connection of the pool, which opens with the first: it needs the event loop."""
        await pool.open()
        async with pool.connection() as connection:
            yield connection

    app.database = connect


async def do_steps(work: Work, io: IO) -> None:
    """As many steps as are asked for."""
    for index in range(work.steps):
        if app.database is None:
            await io.run_task(["step", index], step, index)
        else:
            await io.transaction(["step", index], write, index)


@app.job(id="noop", version="1.0.0", on=event_trigger("bench.noop"))
async def noop(payload: Work, io: IO) -> int:
    """Nothing."""
    marks.mark(payload.n)
    return payload.n


@app.job(id="steps", version="1.0.0", on=event_trigger("bench.steps"))
async def steps(payload: Work, io: IO) -> int:
    """Step after step."""
    await do_steps(payload, io)
    marks.mark(payload.n)
    return payload.n


@app.job(id="sleep", version="1.0.0", on=event_trigger("bench.sleep"))
async def sleep(payload: Work, io: IO) -> int:
    """Steps, and then a wait."""
    await do_steps(payload, io)
    marks.mark(-payload.n)
    if payload.until is None:
        await io.wait("wait", payload.wait_s or 0)
    else:
        await io.wait_until("wait", datetime.fromtimestamp(payload.until, UTC))
    marks.mark(payload.n)
    return payload.n


def declare_fan(number: int) -> None:
    """Declare one of many jobs that the same event starts."""

    @app.job(id=f"fan-{number}", version="1.0.0", on=event_trigger("bench.fan_out"))
    async def fan(payload: Work, io: IO) -> int:
        marks.mark(payload.n + number)
        return payload.n


for fan_number in range(int(os.environ.get("BENCH_FAN_OUT", "0"))):
    declare_fan(fan_number)


asgi = app.asgi()
