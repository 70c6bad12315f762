"""Right and wrong uses of jobs of both kinds, never run. A wrong line accepted is an unused ignore."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import timedelta
from typing import Annotated, assert_type

from pydantic import BaseModel

from perdure import (
    IO,
    Depends,
    InvokedRun,
    Perdure,
    ReceivedEvent,
    Retry,
    RunFailed,
    SyncIO,
    TaskFailed,
    TaskOptions,
    event_trigger,
    invoke_trigger,
)

app = Perdure("typed")


class Order(BaseModel):
    """A payload."""

    number: int


class Receipt(BaseModel):
    """An output."""

    total: float


def size(text: str) -> int:
    """A plain task function."""
    return len(text)


async def price(number: int) -> float:
    """An async one."""
    return number * 1.5


def settings() -> str:
    """A dependency."""
    return "eu"


@app.job(id="charge", version="1.0.0", on=invoke_trigger())
async def charge(payload: Order, io: IO, *, region: Annotated[str, Depends(settings)]) -> Receipt:
    """An async job."""
    assert_type(await io.map("prices", price, [1, 2]), list[float])
    tolerant = await io.map("some", price, [1, 2], tolerated_failures=1)
    assert_type(tolerant, list[float | TaskFailed])
    event = await io.wait_for_event("paid", "order.paid", schema=Order, timeout=timedelta(days=1))
    assert_type(event, ReceivedEvent[Order])
    assert_type(await io.wait_for_request("approval", print, schema=Receipt), Receipt)
    await io.map("prices", price, ["a"])  # type: ignore[arg-type]
    await io.wait_for_event("paid", 3)  # type: ignore[call-overload]
    return Receipt(total=event.payload.number)


@app.job(id="plain", version="1.0.0", on=event_trigger("order"))
def plain(payload: Order, io: SyncIO) -> int:
    """A plain job."""
    assert_type(io.run_task("size", size, "abc"), int)
    assert_type(io.run_task("price", price, 3), float)
    assert_type(io.map("sizes", size, ["a"], options=TaskOptions(retry=Retry(on=OSError))), list[int])
    assert_type(io.invoke_and_wait("charge", charge, payload), Receipt)
    assert_type(io.batch_invoke_and_wait("all", charge, [payload]), list[Receipt | RunFailed])
    io.run_task("size", size, 3)  # type: ignore[call-overload]
    io.invoke_and_wait("charge", charge, "no order")  # type: ignore[misc]
    return 1


async def outside() -> None:
    """Starting them."""
    assert_type(await charge.invoke(Order(number=1), idempotency_key="1"), InvokedRun)
    await plain.trigger(Order(number=1), deliver_after=timedelta(hours=1))
    await plain.trigger(1)  # type: ignore[arg-type]
    await charge.invoke(Receipt(total=1))  # type: ignore[arg-type]


def unit_test(io: SyncIO) -> None:
    """The bare function."""
    assert_type(plain(Order(number=1), io), int)
    plain("no order", io)  # type: ignore[arg-type]


Retry(on="OSError")  # type: ignore[arg-type]
TaskOptions(timeout=3)  # type: ignore[arg-type]
