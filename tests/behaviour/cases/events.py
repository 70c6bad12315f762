"""Events sent, looked up and cancelled from within a run."""

from __future__ import annotations

from datetime import timedelta

from perdure import IO, Context, TaskFailed, event_trigger, make_event

from ..define import case, helper, named
from ..observed import seen

LOOKED_UP = named("looked.up")
NEVER_SENT = named("never.sent")
ONCE = named("once")
PING = named("ping")
SEVERAL = named("several")


@helper(on=event_trigger(PING))
async def pinged(payload: dict[str, int], io: IO) -> int:
    return payload["n"]


@case(output=[PING, {"n": 1}], tasks=["send COMPLETED"], requests=1)
async def send_an_event(payload: None, io: IO) -> list[object]:
    event = await io.send_event("send", PING, {"n": 1})
    return [event.name, event.payload]


@case(
    output="the same",
    tasks=["send COMPLETED", "wait COMPLETED"],
    executions=2,
    seen={"ids": [True]},
)
async def sent_once_however_often_executed(payload: None, io: IO, ctx: Context) -> str:
    event = await io.send_event("send", ONCE, None, id=f"once-{ctx.run.id}")
    await io.wait("wait", 3600)
    seen("ids", event.id == f"once-{ctx.run.id}")
    return "the same"


@case(output=[3, True], tasks=["send COMPLETED"], requests=1)
async def send_several_events(payload: None, io: IO) -> list[object]:
    events = await io.send_events("send", [make_event(SEVERAL, {"n": n}) for n in range(3)])
    return [len(events), len({event.id for event in events}) == 3]


@case(output="refused")
async def event_without_a_name(payload: None, io: IO) -> str:
    try:
        await io.send_event("send", "", {})
    except ValueError:
        return "refused"
    return "sent"


@case(output=[0, "known"], tasks=["send COMPLETED", "get COMPLETED"])
async def look_an_event_up(payload: None, io: IO) -> list[object]:
    event = await io.send_event("send", LOOKED_UP, None, deliver_after=timedelta(days=700))
    found = await io.get_event("get", event.id)
    return [len(found.runs), "known" if found.id == event.id else "unknown"]


@case(output=True, tasks=["send COMPLETED", "cancel COMPLETED"])
async def cancel_an_event(payload: None, io: IO) -> bool:
    event = await io.send_event("send", NEVER_SENT, None, deliver_after=timedelta(days=700))
    canceled = await io.cancel_event("cancel", event.id)
    return canceled.cancelled_at is not None


@case(output=["TaskFailed"], tasks=["get ERRORED"])
async def look_up_an_unknown_event(payload: None, io: IO) -> list[str]:
    try:
        await io.get_event("get", "no such event")
    except TaskFailed as error:
        return [type(error).__name__]
    return []
