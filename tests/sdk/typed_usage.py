"""Right and wrong uses of the SDK, never run. A wrong line accepted is an unused ignore."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

import asyncio
from datetime import timedelta
from typing import assert_type

from pydantic import BaseModel

from perdure import IO, Context, Perdure, Retry, TaskOptions, event_trigger

app = Perdure("typed")


class Order(BaseModel):
    """A payload."""

    number: int


async def fetch(number: int, *, currency: str = "EUR") -> Order:
    """An async task function."""
    return Order(number=number)


def count(text: str) -> int:
    """A plain task function."""
    return len(text)


@app.job(id="typed", version="1.0.0", on=event_trigger("order", filter={"number": [{"$gt": 3}]}))
async def job(payload: Order, io: IO, ctx: Context) -> str:
    """A job."""
    assert_type(await io.run_task("fetch", fetch, payload.number, currency="USD"), Order)
    assert_type(await io.run_task(["count", 1], count, "abc"), int)
    assert_type(await io.run_task("retried", fetch, 1, options=TaskOptions(retry=Retry(limit=2))), Order)
    assert_type(await io.run_task("lambda", lambda: 1.5), float)
    assert_type(list(await asyncio.gather(*(io.run_task(["n", n], count, "x") for n in range(3)))), list[int])
    await io.wait("wait", timedelta(hours=1))
    await io.run_task("wrong argument", fetch, "1")  # type: ignore[call-overload]
    await io.run_task("missing argument", count)  # type: ignore[call-overload]
    await io.run_task("wrong name", fetch, 1, money="EUR")  # type: ignore[call-arg]
    await io.run_task(3, count, "abc")  # type: ignore[call-overload]
    await io.wait("wait", "1 hour")  # type: ignore[arg-type]
    number: str = await io.run_task("wrong result", count, "abc")  # type: ignore[call-overload]
    TaskOptions(retries=3)  # type: ignore[call-arg]
    return number


async def unit_test(io: IO, ctx: Context) -> None:
    """The bare function."""
    assert_type(await job(Order(number=1), io, ctx), str)


event_trigger("x", filter={"plan": "pro"})  # type: ignore[dict-item]
event_trigger("x", filter={"plan": [{"$nope": 1}]})  # type: ignore[list-item]
unfinished = job(Order(number=1))  # type: ignore[call-arg]
