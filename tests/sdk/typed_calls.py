"""Right and wrong uses of the calls of an app and of io, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from perdure import IO, Perdure, SyncIO, event_trigger
from perdure.fetch import FetchBackoff, FetchResponse, Redacted
from perdure.wire.events import ApiEventLog
from perdure.wire.runs import InvokedRun, Run


class Order(BaseModel):
    number: int


app = Perdure("x")


@app.job(id="j", version="1.0.0", on=event_trigger("x"))
async def job(payload: Order, io: IO) -> Order:
    assert_type(await io.background_fetch("k", "https://x", Order), Order)
    assert_type(await io.background_fetch("k", "https://x", list[int]), list[int])
    assert_type(await io.background_fetch("k", "https://x"), Any)
    assert_type(
        await io.background_fetch_response("k", "https://x", Order, method="POST", json={"a": 1}),
        FetchResponse[Order],
    )
    assert_type(
        await io.background_poll(
            "k", "https://x", Order, until_body={"state": ["done"]}, interval=timedelta(seconds=10)
        ),
        Order,
    )
    assert_type(await io.store.env.get("k", "x", Order), Order | None)
    assert_type(await io.store.env.get("k", "x"), Any)
    await io.background_fetch("k", "https://x", retry={"5xx": FetchBackoff()}, headers={"a": Redacted("x")})
    await io.background_fetch("k", "https://x", header={"a": "b"})  # type: ignore[call-overload]
    await io.background_fetch("k", "https://x", method=3)  # type: ignore[call-overload]
    (await io.create_status("k", state="loading")).update("x", state="done")  # type: ignore[arg-type, unused-coroutine]
    return payload


async def main() -> None:
    assert_type(app.sync.send_event("x", {"a": 1}, id="e"), ApiEventLog)
    assert_type(app.sync.get_run("x").output_as(Order), Order)
    assert_type(app.sync.store.get("x", int), int | None)
    assert_type(await app.store.get("x", Order), Order | None)
    assert_type(await app.invoke_job(job, Order(number=1)), InvokedRun)
    assert_type(app.sync.invoke_job(job, Order(number=1)), InvokedRun)
    assert_type(app.sync.wait_for_run("x", timeout_s=3), Run)
    app.sync.send_event(3)  # type: ignore[arg-type]
    app.sync.send_event("x", no=3)  # type: ignore[call-arg]
    await app.invoke_job(job, 3)  # type: ignore[misc]
    await app.invoke_job("job", 3)


def plain(payload: Order, io: SyncIO) -> None:
    assert_type(io.background_fetch("k", "https://x", Order), Order)
    assert_type(io.store.run.get("k", "x", Order), Order | None)
