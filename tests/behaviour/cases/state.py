"""Statuses that a run shows, and values that it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from perdure import IO, Context, TaskFailed

from ..define import case
from ..observed import seen


class Cursor(BaseModel):
    page: int
    done: bool = False


@dataclass
class Point:
    x: int


@case(
    output={"page": 3, "done": False},
    tasks=["set COMPLETED", "wait COMPLETED", "get COMPLETED"],
    executions=2,
)
async def store_of_the_run(payload: None, io: IO) -> Cursor | None:
    await io.store.run.set("set", "cursor", Cursor(page=3))
    await io.wait("wait", 3600)
    return await io.store.run.get("get", "cursor", Cursor)


@case(output=[None, False, True, True, False], tasks=[f"{key} COMPLETED" for key in "abcdef"])
async def store_of_the_job(payload: None, io: IO) -> list[object]:
    store = io.store.job
    before = await store.get("a", "x")
    had = await store.has("b", "x")
    await store.set("c", "x", [1, {"two": 2.5}])
    has = await store.has("d", "x")
    deleted = await store.delete("e", "x")
    return [before, had, has, deleted, await store.has("f", "x")]


@case(output={"x": 5}, tasks=["set COMPLETED", "get COMPLETED", "delete COMPLETED"])
async def store_of_the_environment(payload: None, io: IO, ctx: Context) -> Point | None:
    await io.store.env.set("set", f"p-{ctx.run.id}", Point(5))
    found = await io.store.env.get("get", f"p-{ctx.run.id}", Point)
    await io.store.env.delete("delete", f"p-{ctx.run.id}")
    return found


@case(output="refused", tasks=["set COMPLETED", "get ERRORED"])
async def stored_value_of_another_type(payload: None, io: IO) -> str:
    await io.store.run.set("set", "cursor", {"page": "many"})
    try:
        await io.store.run.get("get", "cursor", Cursor)
    except TaskFailed:
        return "refused"
    return "read"


@case(
    output=["half way", "loading", {"done": 2}],
    tasks=["progress COMPLETED", "more COMPLETED", "wait COMPLETED", "end COMPLETED"],
    executions=2,
    seen={"state": ["loading", "loading", "success"]},
)
async def status_of_a_run(payload: None, io: IO) -> list[object]:
    status = await io.create_status("progress", label="started", state="loading", data={"done": 1})
    await status.update("more", label="half way", data={"done": 2})
    seen("state", status.record.state)
    middle = [status.record.label, status.record.state, status.record.data]
    await io.wait("wait", 3600)
    await status.update("end", state="success")
    seen("state", status.record.state)
    return middle
