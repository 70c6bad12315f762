"""Tasks that commit together with what they wrote, in the app's own transaction."""

from __future__ import annotations

from typing import Any

from perdure import IO, Context, Retry, TaskFailed, TaskOptions

from ..define import app, case, named
from ..observed import called

IN_DATABASE = ["direct", "connected"]
SHIPPED = named("shipped")
AT_ONCE = TaskOptions(retry=Retry(limit=3, factor=1, min_delay_s=0.01, max_delay_s=0.01, randomize=False))


async def write(connection: Any, run_id: str) -> str:
    called("write")
    await connection.execute("insert into behaviour_notes (run_id) values (%s)", [run_id])
    return "written"


async def count(connection: Any, run_id: str) -> int:
    cursor = await connection.execute("select count(*) from behaviour_notes where run_id = %s", [run_id])
    return (await cursor.fetchone())[0]


@case(
    output=["written", 1],
    tasks=["write COMPLETED", "wait COMPLETED", "count COMPLETED"],
    calls={"write": 1},
    executions=2,
    hosts=IN_DATABASE,
)
async def written_once(payload: None, io: IO, ctx: Context) -> list[Any]:
    written = await io.transaction("write", write, ctx.run.id)
    await io.wait("wait", 3600)
    return [written, await io.transaction("count", count, ctx.run.id)]


@case(
    output=["written", 1],
    tasks=["write COMPLETED", "count COMPLETED"],
    calls={"write": 3},
    executions=None,
    hosts=IN_DATABASE,
)
async def what_a_failed_try_wrote_is_undone(payload: None, io: IO, ctx: Context) -> list[Any]:
    async def flaky(connection: Any) -> str:
        written = await write(connection, ctx.run.id)
        if called("try") < 3:
            raise ConnectionError("not now")
        return written

    written = await io.transaction("write", flaky, options=AT_ONCE)
    return [written, await io.transaction("count", count, ctx.run.id)]


@case(
    output=["no stock", 0],
    tasks=["write ERRORED", "count COMPLETED"],
    calls={"write": 1},
    hosts=IN_DATABASE,
)
async def what_a_failed_task_wrote_is_undone(payload: None, io: IO, ctx: Context) -> list[Any]:
    async def fails(connection: Any) -> None:
        await write(connection, ctx.run.id)
        raise ValueError("no stock")

    try:
        await io.transaction("write", fails)
    except TaskFailed as error:
        return [error.message, await io.transaction("count", count, ctx.run.id)]
    return []


@case(
    output=["written", True],
    tasks=["ship COMPLETED", "shipped COMPLETED"],
    calls={"write": 1},
    executions=None,
    hosts=IN_DATABASE,
)
async def event_of_a_transaction(payload: None, io: IO, ctx: Context) -> list[Any]:
    async def ship(connection: Any) -> str:
        await app.enqueue(connection, SHIPPED, {"run": ctx.run.id})
        return await write(connection, ctx.run.id)

    written = await io.transaction("ship", ship)
    event = await io.wait_for_event("shipped", SHIPPED, filter={"run": [ctx.run.id]})
    return [written, event.payload == {"run": ctx.run.id}]
