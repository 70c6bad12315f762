"""Right and wrong uses of triggers, schedules, HTTP endpoints, webhooks and hooks, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from perdure import (
    IO,
    ExternalSourceTrigger,
    HttpRequest,
    ImmediateResponse,
    Integration,
    Perdure,
    RunNotification,
    ScheduledPayload,
    SyncIO,
    cron_trigger,
    event_trigger,
    hmac_signature,
    interval_trigger,
    invoke_trigger,
)
from perdure.triggers import DynamicTrigger

app = Perdure("typed")


class Receipt(BaseModel):
    """An output."""

    number: int


class Repo(BaseModel):
    """Params of a dynamic trigger."""

    name: str


@app.job(id="tick", version="1.0.0", on=interval_trigger(timedelta(hours=1)))
async def tick(payload: ScheduledPayload, io: IO) -> Receipt:
    """A job on a schedule."""
    return Receipt(number=payload.ts.year)


interval_trigger(3600)  # type: ignore[arg-type]
cron_trigger(5)  # type: ignore[arg-type]
cron_trigger("@daily", "Europe/Berlin")  # type: ignore[call-arg]
event_trigger("x", examples=[{"a": 1}])  # type: ignore[arg-type]
invoke_trigger(Receipt)  # type: ignore[call-arg]


@tick.on_success
async def told(notification: RunNotification[Receipt]) -> None:
    """A hook."""
    assert_type(notification.output, Receipt)
    assert_type(notification.error_message, str)


reminders = app.dynamic_schedule("reminders")


async def schedules() -> None:
    """Dynamic schedules."""
    assert_type((await reminders.register("a", every=timedelta(hours=1))).active, bool)
    assert_type(await reminders.unregister("a"), None)
    assert_type(reminders.sync.register("a", cron="@daily").id, str)
    await reminders.register("a", every=60)  # type: ignore[arg-type]


hub = Integration[Any, Any]("hub")


def starred(repo: Repo) -> ExternalSourceTrigger:
    """Makes a trigger."""
    raise NotImplementedError


stars = app.dynamic_trigger("stars", starred, integration=hub)
assert_type(stars, DynamicTrigger[Repo])


async def in_a_job(io: IO, sync_io: SyncIO) -> None:
    """What a job may do."""
    await io.register_interval("key", reminders, "a", timedelta(hours=1))
    await io.register_cron("key", reminders, "a", "@daily", timezone="UTC")
    await io.register_trigger("key", stars, "a", Repo(name="site"))
    assert_type(sync_io.register_cron("key", reminders, "a", "@daily").id, str)
    assert_type(sync_io.unregister_schedule("key", reminders, "a"), None)
    await io.register_interval("key", reminders, "a", "1 hour")  # type: ignore[arg-type]
    await io.register_trigger("key", stars, "a", 1)  # type: ignore[misc]


inbox = app.http_endpoint("inbox", source="mail.example", verify=hmac_signature("s", header="x-signature"))
app.http_endpoint("outbox", source="mail.example")  # type: ignore[call-arg]
inbox.on_request(filter={"method": ["FETCH"]})  # type: ignore[arg-type]
inbox.on_request(filter={"path": ["/"]})  # type: ignore[arg-type]


@inbox.respond({"method": ["GET"]})
async def respond(request: HttpRequest) -> ImmediateResponse:
    """An answer."""
    assert_type(request.json_body(Receipt), Receipt)
    assert_type(request.query, dict[str, list[str]])
    return ImmediateResponse(status=200)
