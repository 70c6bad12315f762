"""What is the same in every execution: random numbers, ids, the present."""

from __future__ import annotations

from datetime import UTC, datetime

from perdure import IO, Context

from ..define import Same, case
from ..observed import seen


@case(seen={"number": Same(3), "choice": Same(2)}, tasks=["a COMPLETED", "b COMPLETED"], executions=3)
async def random_numbers(payload: None, io: IO) -> None:
    dice = io.random("dice")
    seen("number", [dice.random(), dice.randint(1, 6)])
    await io.wait("a", 3600)
    seen("choice", io.random("choice").choice(["a", "b", "c"]))
    await io.wait("b", 3600)


@case(seen={"uuid": Same(2)}, tasks=["wait COMPLETED"], executions=2, requests=0)
async def uuids(payload: None, io: IO) -> None:
    seen("uuid", str(io.uuid("id")))
    await io.wait("wait", 3600)


@case(output="different", tasks=[])
async def uuids_of_two_keys(payload: None, io: IO) -> str:
    return "different" if io.uuid("a") != io.uuid("b") else "same"


@case(seen={"now": Same(2)}, tasks=["now COMPLETED", "wait COMPLETED"], executions=2, requests=0)
async def the_present(payload: None, io: IO) -> None:
    seen("now", io.now("now").isoformat())
    await io.wait("wait", 3600)


@case(output=True, tasks=["now COMPLETED"])
async def the_present_is_now(payload: None, io: IO) -> bool:
    return abs((io.now("now") - datetime.now(UTC)).total_seconds()) < 60


@case(output="refused", tasks=[])
async def random_key_used_twice(payload: None, io: IO) -> str:
    from perdure import DuplicateTaskKey

    io.random("dice")
    try:
        io.random("dice")
    except DuplicateTaskKey:
        return "refused"
    return "taken"


@case(seen={"run": Same(2)}, tasks=["wait COMPLETED"], executions=2)
async def the_run_is_the_same(payload: None, io: IO, ctx: Context) -> None:
    seen("run", [ctx.run.id, ctx.event.id, ctx.job.id, ctx.environment.slug])
    await io.wait("wait", 3600)
