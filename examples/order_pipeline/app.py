"""An order is reserved, paid, approved by a person when it is large, and shipped; or all of it is undone."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from pydantic import BaseModel

from examples.order_pipeline.shop import Order, Shop
from perdure import IO, Depends, NonRetryableError, Perdure, Retry, TaskOptions, event_trigger

APPROVAL_ABOVE = 100_000  # cents

app = Perdure("order-pipeline")
shop = Shop()


class Decision(BaseModel):
    """A manager's answer."""

    approved: bool
    by: str


def get_shop() -> Shop:
    """The shop's services; tests put others in its place."""
    return shop


@app.job(id="fulfil-order", version="1.0.0", on=event_trigger("order.placed"))
async def fulfil(payload: Order, io: IO, *, shop: Annotated[Shop, Depends(get_shop)]) -> str:
    """Bring an order to its customer. Whatever fails, nothing stays reserved and nothing stays charged."""
    reserving = TaskOptions(compensate=shop.release)
    await io.run_task("reserve", shop.reserve, payload, options=reserving)
    paying = TaskOptions(retry=Retry(on=ConnectionError), compensate=shop.refund)
    await io.run_task("take payment", shop.charge, payload, options=paying)
    if payload.price > APPROVAL_ABOVE:
        ask = partial(shop.ask_manager, payload)
        decision = await io.wait_for_request("approval", ask, schema=Decision, timeout=timedelta(days=2))
        if not decision.approved:
            raise NonRetryableError(f"{decision.by} declined order {payload.id}")
    shipping = TaskOptions(retry=Retry(limit=3, on=ConnectionError))
    parcel = await io.run_task("ship", shop.ship, payload, options=shipping)
    await io.send_event("tell", "order.shipped", {"order": payload.id, "tracking": parcel.tracking})
    return parcel.tracking


asgi = app.asgi()
