"""An app with jobs of every kind that a person meets in the dashboard."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from perdure import (
    IO,
    Context,
    HttpRequest,
    Integration,
    IntegrationTasks,
    Perdure,
    RawEvent,
    RegisterWebhook,
    TaskOptions,
    Webhook,
    WebhookRequest,
    WebhookTrigger,
    event_trigger,
    hmac_signature,
    interval_trigger,
    operation,
)

perdure = Perdure("works")
is_mended = asyncio.Event()
permits = asyncio.Semaphore(0)


class Parcel(BaseModel):
    """What the job ``pack`` gets."""

    order: int = Field(ge=1, description="The number on the label.")
    size: Literal["small", "large"] = "small"
    gift: bool = False
    note: str | None = None


class CarrierDown(Exception):
    """The carrier takes nothing."""


async def look_up(order: int) -> dict[str, Any]:
    """A step that does nothing."""
    return {"order": order, "street": "Main Road 1"}


async def call_carrier(order: int) -> str:
    """A step that fails until the carrier is mended."""
    if not is_mended.is_set():
        raise CarrierDown(f"carrier refused order {order}: its depot is closed")
    return f"label-{order}"


async def work(waits: bool) -> None:
    """A step that goes on when it is told to."""
    if waits:
        await permits.acquire()


@perdure.job(id="steps", version="1.0.0", on=event_trigger("steps.wanted"))
async def steps(payload: dict[str, Any], io: IO) -> str:
    """Does some steps, one after the other, and tells of them; with ``waits`` each when it is told to."""
    progress = await io.create_status("progress", label="Begun", state="loading")
    for number in range(1, 5):
        options = TaskOptions(name=f"Step {number}")
        await io.run_task(["step", number], work, payload.get("waits", False), options=options)
        await progress.update(["told", number], label=f"Step {number} of 4 is done")
    await progress.update("end", label="All done", state="success")
    return "arrived"


@perdure.job(id="ship", version="1.2.0", on=event_trigger("order.paid"))
async def ship(payload: dict[str, Any], io: IO) -> str:
    """Fails at the carrier."""
    await io.run_task("look up the address", look_up, payload["order"])
    return await io.run_task("call the carrier", call_carrier, payload["order"])


@perdure.job(id="pack", version="1.0.0", on=event_trigger("parcel.wanted", schema=Parcel))
async def pack(payload: Parcel, io: IO) -> dict[str, Any]:
    """Has a payload of a known shape."""
    io.logger.info("packing", order=payload.order)
    await io.run_task("pack", look_up, payload.order)
    return payload.model_dump()


@perdure.job(id="remind", version="1.0.0", on=event_trigger("reminder.wanted"))
async def remind(payload: dict[str, Any], io: IO) -> str:
    """Sleeps for days."""
    await io.wait("three days", timedelta(days=3))
    return "reminded"


@perdure.job(id="report", version="1.0.0", on=interval_trigger(timedelta(hours=12)))
async def report(payload: Any, io: IO) -> None:
    """Has a schedule."""


calls = perdure.http_endpoint("calls", source="carrier", verify=hmac_signature("s3cret", header="x-sign"))


@perdure.job(id="note-call", version="1.0.0", on=calls.on_request(filter={"method": ["POST"]}))
async def note_call(payload: HttpRequest, io: IO) -> None:
    """Begins when the carrier calls."""


class PayTasks(IntegrationTasks):
    """What a provider of payments can do."""

    @operation()
    async def put_hook(self, *, url: str, events: list[str]) -> None:
        """Take a webhook."""


class Pay(Integration[PayTasks]):
    """A provider of payments."""

    kind = "pay"
    title = "Pay"
    icon = "credit-card"


class PayWebhook(Webhook):
    """It registers itself at the provider."""

    async def create(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        await io.pay.put_hook("put", url=registration.url, events=registration.config.desired["events"])

    async def delete(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Nothing to do."""

    async def verify(self, request: WebhookRequest) -> bool:
        return hmac_signature(request.secret, header="x-pay-signature")(request)

    async def generate_events(self, request: WebhookRequest) -> list[RawEvent]:
        body = request.json_body()
        return [RawEvent(id=body["id"], name=body["type"], payload=body["data"])]


pay = Pay("pay")
paid = WebhookTrigger(
    PayWebhook(pay, key="pay.account", source="pay.example", config={"events": ["paid"]}), "paid"
)


@perdure.job(id="book", version="1.0.0", on=paid, integrations=[pay])
async def book(payload: dict[str, Any], io: IO) -> None:
    """Begins when somebody has paid."""


async def mend(request: Request) -> Response:
    """From now on the carrier takes orders, or takes none again."""
    if request.query_params.get("carrier") == "down":
        is_mended.clear()
    else:
        is_mended.set()
    return Response()


async def go_on(request: Request) -> Response:
    """A step that waits goes on."""
    permits.release()
    return Response()


asgi = Starlette(
    routes=[
        Route("/mend", mend, methods=["POST"]),
        Route("/go-on", go_on, methods=["POST"]),
        Mount("/api/perdure", perdure.asgi()),
    ]
)
