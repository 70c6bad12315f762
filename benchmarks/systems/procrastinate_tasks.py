"""The user code of the benchmarks on Procrastinate."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import os
from typing import Any

import procrastinate

from benchmarks.marks import VARIABLE, Marks

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ["BENCH_DATABASE_URL"], min_size=1, max_size=int(os.environ["BENCH_POOL_SIZE"])
    )
)
marks = Marks(os.environ.get(VARIABLE, os.devnull))


@app.task(name="noop")
async def noop(n: int, **_work: Any) -> int:
    """Nothing."""
    marks.mark(n)
    return n


@app.task(name="sleep")
async def sleep(n: int, **_work: Any) -> int:
    """Nothing either: the wait comes before."""
    marks.mark(n)
    return n
