"""Waits: for time to pass, for an event, for a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from perdure import IO, Context, ReceivedEvent, TaskFailed, WaitTimedOut

from ..define import case, named
from ..observed import called, seen
from ..steps import cancel, respond, send

EARLY = named("early")
FILTERED = named("filtered")
FIRST = named("first")
ITEMS = named("items")
NEVER_SENT = named("never.sent")
ORDER_PAID = named("order.paid")
SECOND = named("second")


class Paid(BaseModel):
    order: str
    amount: int


class Approval(BaseModel):
    approved: bool
    by: str = "nobody"


DAY = timedelta(days=1)


@case(output="woke up", tasks=["wait COMPLETED"], executions=2, calls={"run": 2}, requests=0)
async def wait_a_day(payload: None, io: IO) -> str:
    called("run")
    await io.wait("wait", DAY)
    return "woke up"


@case(output=None, tasks=["a COMPLETED", "b COMPLETED", "c COMPLETED"], executions=4, requests=0)
async def three_waits(payload: None, io: IO) -> None:
    for key in "abc":
        await io.wait(key, timedelta(hours=1))


@case(output=None, tasks=["wait COMPLETED"], executions=2)
async def wait_for_seconds(payload: None, io: IO) -> None:
    await io.wait("wait", 0.05)


@case(output=None, tasks=["wait COMPLETED"], executions=None)
async def wait_for_no_time(payload: None, io: IO) -> None:
    await io.wait("wait", 0)


@case(output=["ValueError", "ValueError"])
async def impossible_waits(payload: None, io: IO) -> list[str]:
    errors = []
    for seconds in (-1.0, float("inf")):
        try:
            await io.wait("wait", seconds)
        except ValueError as error:
            errors.append(type(error).__name__)
    return errors


@case(output=None, tasks=["until COMPLETED"], executions=2, requests=0)
async def wait_until_an_instant(payload: None, io: IO) -> None:
    await io.wait_until("until", datetime.now(UTC) + timedelta(days=300))


@case(output=None, tasks=["until COMPLETED"], executions=None)
async def wait_until_the_past(payload: None, io: IO) -> None:
    await io.wait_until("until", datetime(2020, 1, 1, tzinfo=UTC))


@case(output="ValueError")
async def wait_until_without_a_time_zone(payload: None, io: IO) -> str:
    try:
        await io.wait_until("until", datetime(2030, 1, 1))
    except ValueError as error:
        return type(error).__name__
    return "waited"


@case(
    output=2,
    tasks=["outer COMPLETED", "  a COMPLETED", "  wait COMPLETED", "  b COMPLETED"],
    calls={"outer": 2, "a": 1, "b": 1},
    executions=2,
)
async def wait_within_a_task(payload: None, io: IO) -> int:
    async def outer() -> int:
        called("outer")
        first = await io.run_task("a", lambda: called("a"))
        await io.wait("wait", DAY)
        return first + await io.run_task("b", lambda: called("b"))

    return await io.run_task("outer", outer)


@case(
    output=["paid {run}", 30],
    tasks=["paid COMPLETED"],
    executions=2,
    then=[send(ORDER_PAID, {"order": "{run}", "amount": 30})],
)
async def wait_for_an_event(payload: None, io: IO, ctx: Context) -> list[object]:
    event = await io.wait_for_event("paid", ORDER_PAID, schema=Paid, filter={"order": [ctx.run.id]})
    same = event.payload.order == ctx.run.id and isinstance(event, ReceivedEvent)
    return ["paid {run}" if same else event.payload.order, event.payload.amount]


@case(
    output="timed out",
    tasks=["paid ERRORED", "after COMPLETED"],
    executions=2,
)
async def event_that_does_not_come(payload: None, io: IO) -> str:
    try:
        await io.wait_for_event("paid", NEVER_SENT, timeout=timedelta(hours=2))
    except WaitTimedOut:
        return await io.run_task("after", lambda: "timed out")
    return "came"


@case(
    output="right",
    tasks=["paid COMPLETED"],
    executions=2,
    then=[
        send(FILTERED, {"run": "other", "text": "wrong"}),
        send(FILTERED, {"run": "{run}", "text": "right"}),
    ],
)
async def event_must_match_the_filter(payload: None, io: IO, ctx: Context) -> str:
    event = await io.wait_for_event("paid", FILTERED, filter={"run": [ctx.run.id]})
    return str(event.payload["text"])


@case(
    output="second",
    tasks=["either COMPLETED"],
    executions=2,
    then=[send(SECOND, {"run": "{run}"})],
)
async def one_of_several_events(payload: None, io: IO, ctx: Context) -> str:
    event = await io.wait_for_event("either", [FIRST, SECOND], filter={"run": [ctx.run.id]})
    return event.name.partition("-")[0]


@case(
    output="early",
    tasks=["send COMPLETED", "wait COMPLETED", "paid COMPLETED"],
    executions=3,
    hosts=["asgi", "wsgi", "django", "lambda", "direct", "connected"],
)
async def event_that_came_before_the_wait(payload: None, io: IO, ctx: Context) -> str:
    await io.send_event("send", EARLY, {"run": ctx.run.id, "text": "early"})
    await io.wait("wait", timedelta(hours=1))
    event = await io.wait_for_event("paid", EARLY, filter={"run": [ctx.run.id]})
    return str(event.payload["text"])


@case(
    output=[1, 2, 3],
    tasks=["item:0 COMPLETED", "item:1 COMPLETED", "item:2 COMPLETED"],
    executions=None,
    then=[
        send(ITEMS, {"run": "{run}", "n": 1}, id="{run}-1"),
        send(ITEMS, {"run": "{run}", "n": 2}, id="{run}-2"),
        send(ITEMS, {"run": "{run}", "n": 3}, id="{run}-3"),
    ],
)
async def events_in_a_loop(payload: None, io: IO, ctx: Context) -> list[int]:
    numbers = []
    for index in range(3):
        event = await io.wait_for_event(["item", index], ITEMS, filter={"run": [ctx.run.id]})
        numbers.append(event.payload["n"])
    return numbers


@case(
    output="approved by ann",
    tasks=["approval COMPLETED", "  tell COMPLETED"],
    calls={"tell": 1},
    executions=2,
    then=[respond({"approved": True, "by": "ann"})],
)
async def wait_for_a_request(payload: None, io: IO) -> str:
    def tell(url: str) -> None:
        called("tell")
        seen("url", url)

    approval = await io.wait_for_request("approval", tell, schema=Approval)
    return f"approved by {approval.by}" if approval.approved else "refused"


@case(output={"any": ["json", 1]}, tasks=["answer COMPLETED", "  tell COMPLETED"], executions=2,
      then=[respond({"any": ["json", 1]})])  # fmt: skip
async def request_without_a_schema(payload: None, io: IO) -> object:
    async def tell(url: str) -> None:
        seen("url", url)

    return await io.wait_for_request("answer", tell)


@case(output="nobody came", tasks=["approval ERRORED", "  tell COMPLETED"], executions=2)
async def request_that_does_not_come(payload: None, io: IO) -> str:
    try:
        await io.wait_for_request("approval", lambda url: None, timeout=timedelta(hours=1))
    except WaitTimedOut:
        return "nobody came"
    return "came"


@case(output="no mail today", tasks=["approval ERRORED", "  tell ERRORED"])
async def nobody_can_be_told(payload: None, io: IO) -> str:
    def tell(url: str) -> None:
        raise OSError("no mail today")

    try:
        await io.wait_for_request("approval", tell)
    except TaskFailed as error:
        return error.message
    return "told"


@case(status="CANCELED", tasks=["wait CANCELED"], output=None, executions=1, then=[cancel])
async def canceled_while_it_waits(payload: None, io: IO) -> None:
    await io.wait("wait", timedelta(days=900))
