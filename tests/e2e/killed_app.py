"""Jobs for the test that kills everything in turn; each app declares them under its own names (APP_ID)."""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import timedelta
from typing import Any

from perdure import IO, Perdure, Retry, SyncIO, TaskOptions, event_trigger

ID = os.environ["APP_ID"]

app = Perdure(ID)


async def _work(n: int) -> int:
    await asyncio.sleep(0.05 * n)
    return n


def _flaky() -> int:
    if random.random() < 0.5:  # noqa: S311  # not for secrets
        raise ValueError("not yet")
    return 8


@app.job(id=f"steps-{ID}", version="1.0.0", on=event_trigger(f"steps.{ID}"))
async def steps(payload: Any, io: IO) -> int:
    """Steps, a wait, steps side by side, and one that fails as often as not."""
    total = 0
    for n in range(4):
        total += await io.run_task(["step", n], _work, n)
    await io.wait("a moment", timedelta(seconds=1))
    total += sum(await io.map("sides", _work, range(5)))
    retry = Retry(limit=99, min_delay_s=0.1, max_delay_s=0.1)
    return total + await io.run_task("flaky", _flaky, options=TaskOptions(retry=retry))


@app.job(id=f"plain-{ID}", version="1.0.0", on=event_trigger(f"plain.{ID}"))
def plain(payload: Any, io: SyncIO) -> int:
    """The same of a plain function."""

    def work(n: int) -> int:
        time.sleep(0.05 * n)
        return n

    total = sum(io.run_task(["step", n], work, n) for n in range(3))
    io.wait("a moment", timedelta(seconds=1))
    return total + io.run_task("last", work, 3)
