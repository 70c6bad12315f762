"""A run that is done again from a task on, or goes on with a given result: what is done is not done again."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from perdure import IO, NonRetryableError, Perdure, TaskOptions, event_trigger
from perdure.testing import Platform, TestRun

app = Perdure("again")
calls: Counter[str] = Counter()
broken: set[str] = set()


def do(what: str) -> str:
    calls[what] += 1
    if what in broken:
        raise NonRetryableError(f"{what} is broken")
    return f"{what} {calls[what]}"


@app.job(id="order", version="1.0.0", on=event_trigger("order"))
async def order(payload: dict[str, Any], io: IO) -> list[Any]:
    async def handle(item: str) -> str:
        return do(f"item {item}")

    async def pack() -> str:
        return await io.run_task("box", do, "box") + "+" + await io.run_task("label", do, "label")

    io.logger.info("begins")
    reserved = await io.run_task(["reserve", True, 1], do, "reserve")
    await io.wait("an hour", timedelta(hours=1))
    items = await io.map("items", handle, ["a", "b"])
    packed = await io.run_task("pack", pack, options=TaskOptions(icon="box"))
    both = await asyncio.gather(io.run_task("mail", do, "mail"), io.run_task("ship", do, "ship"))
    return [payload["n"], reserved, *items, packed, *both]


@pytest.fixture(autouse=True)
def _anew() -> None:
    calls.clear()
    broken.clear()


async def execute(platform: Platform, query: str, *parameters: Any) -> Any:
    """Call the engine as psql would; the first column of the first row, once all that follows is done."""
    async with await psycopg.AsyncConnection.connect(platform.database_url, autocommit=True) as conn:
        rows = await conn.execute(query.encode(), parameters)
        (found,) = await rows.fetchone() or (None,)
    await platform.settle()
    return found


_AGAIN = """
select perdure.rerun_from_task(r.environment_id, r.id, t.id) ->> 'id'
from perdure_views.runs as r
inner join perdure_views.tasks as t on t.run_id = r.id
where r.id = %s and t.display_key = %s
"""
_GIVE = """
select perdure.set_task_output(r.environment_id, r.id, t.id, %s)
from perdure_views.runs as r
inner join perdure_views.tasks as t on t.run_id = r.id
where r.id = %s and t.status = 'ERRORED'
order by t.id desc  -- the item, not the map
limit 1
"""
_CONTINUE = "select perdure.continue_run(environment_id, id) from perdure_views.runs where id = %s"


async def rerun_from(platform: Platform, run: TestRun, key: str) -> TestRun:
    new_id = await execute(platform, _AGAIN, run.id, key)
    (new,) = [again for again in platform.runs if again.id == str(new_id)]
    await new.finish()
    return new


async def test_from_a_task_on(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(order, {"n": 1})
    await run.finish()
    first = dict(calls)
    assert set(first.values()) == {1}

    new = await rerun_from(perdure_platform, run, "mail")
    assert new.status == "SUCCESS", new.error
    repeated = {what for what, count in calls.items() if count == 2}
    assert repeated == {"mail", "ship"}
    assert new.output[:-2] == run.output[:-2]
    assert new.output[-2:] == ["mail 2", "ship 2"]
    assert new.logs == ["begins"]

    inner = await rerun_from(perdure_platform, new, "label")
    assert inner.status == "SUCCESS", inner.error
    assert {what for what, count in calls.items() if count > first[what]} == {"mail", "ship", "label"}
    assert (calls["label"], calls["box"], inner.output[4]) == (2, 1, "box 1+label 2")


@app.job(id="ask", version="1.0.0", on=event_trigger("ask"))
async def ask(payload: Any, io: IO) -> Any:
    return await io.wait_for_request("approval", urls.append)


urls: list[str] = []


async def test_a_run_that_waits_for_a_request_tells_its_url_again(perdure_platform: Platform) -> None:
    urls.clear()
    run = await perdure_platform.start(ask)
    await run.cancel()
    await execute(perdure_platform, _CONTINUE, run.id)
    assert (run.status, len(set(urls))) == ("WAITING_TO_CONTINUE", 2)
    await perdure_platform.post(urls[1], {"yes": True})
    await run.finish()
    assert run.output == {"yes": True}


async def test_with_a_given_result(perdure_platform: Platform) -> None:
    broken.add("item b")
    run = await perdure_platform.start(order, {"n": 1})
    await run.finish()
    assert run.status == "FAILURE"
    await execute(perdure_platform, _GIVE, Json("by hand"), run.id)
    await execute(perdure_platform, _CONTINUE, run.id)
    await run.finish()
    assert (run.status, run.output[2:4]) == ("SUCCESS", ["item a 1", "by hand"]), run.error
    assert set(calls.values()) == {1}
