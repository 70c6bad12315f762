"""An app for the tests of the test kit, made anew for each: what its jobs did is in ``done``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from perdure import IO, STANDARD_BACKOFF, Perdure, SyncIO, TaskOptions, event_trigger
from perdure.job import AnyJob


class Order(BaseModel):
    """A payload."""

    id: str
    amount: int = 1


@dataclass
class Shop:
    """The app and its jobs."""

    app: Perdure = field(default_factory=lambda: Perdure("Shop_1.a"))
    done: list[str] = field(default_factory=list)
    order: AnyJob = None  # type: ignore[assignment]
    plain_order: AnyJob = None  # type: ignore[assignment]
    flaky: AnyJob = None  # type: ignore[assignment]
    failing: AnyJob = None  # type: ignore[assignment]
    parent: AnyJob = None  # type: ignore[assignment]
    approved: AnyJob = None  # type: ignore[assignment]
    polite: AnyJob = None  # type: ignore[assignment]
    fetching: AnyJob = None  # type: ignore[assignment]


def make_shop() -> Shop:
    """A new app with all jobs."""
    shop = Shop()
    app, done = shop.app, shop.done

    def do(what: str) -> str:
        done.append(what)
        return what

    @app.job(id="order", version="1.0.0", on=event_trigger("order", filter={"amount": [{"$gt": 0}]}))
    async def order(payload: Order, io: IO) -> str:
        io.logger.info("got it")
        first = await io.run_task("reserve", do, "reserve")
        await io.wait("a day", timedelta(hours=24))
        second = await io.run_task("ship", do, "ship")
        return f"{payload.id}: {first}, {second}"

    @app.job(id="plain-order", version="1.0.0", on=event_trigger("plain-order"))
    def plain_order(payload: Order, io: SyncIO) -> str:
        io.logger.info("got it")
        first = io.run_task("reserve", do, "reserve")
        io.wait("a day", timedelta(hours=24))
        second = io.run_task("ship", do, "ship")
        return f"{payload.id}: {first}, {second}"

    @app.job(id="flaky", version="1.0.0", on=event_trigger("flaky"))
    async def flaky(payload: Any, io: IO) -> int:
        def attempt() -> int:
            done.append("try")
            if len(done) < 3:
                raise ConnectionError("not yet")
            return len(done)

        return await io.run_task("attempt", attempt, options=TaskOptions(retry=STANDARD_BACKOFF))

    @app.job(id="failing", version="1.0.0", on=event_trigger("failing"))
    async def failing(payload: Any, io: IO) -> None:
        await io.run_task("fine", do, "fine")
        raise ValueError("no such product")

    @app.job(id="parent", version="1.0.0", on=event_trigger("parent"))
    async def parent(payload: Order, io: IO) -> str:
        child = await io.invoke_and_wait("child", order, payload)
        await io.send_event("tell", "told", {"id": payload.id})
        return f"parent of {child}"

    @app.job(id="approved", version="1.0.0", on=event_trigger("approve"))
    async def approved(payload: Any, io: IO) -> Any:
        event = await io.wait_for_event("decision", "decided", filter={"id": ["7"]}, schema=Order)
        return event.payload.amount

    @app.job(id="polite", version="1.0.0", on=event_trigger("polite"))
    async def polite(payload: Any, io: IO) -> Any:
        return await io.wait_for_request(
            "answer", lambda url: do(f"told {url[:19]}"), timeout=timedelta(days=2)
        )

    @app.job(id="fetching", version="1.0.0", on=event_trigger("fetching"))
    async def fetching(payload: Any, io: IO) -> Any:
        return await io.background_fetch("price", "https://prices.test/7")

    shop.order, shop.plain_order, shop.flaky, shop.failing = order, plain_order, flaky, failing
    shop.parent, shop.approved, shop.polite, shop.fetching = parent, approved, polite, fetching
    return shop
