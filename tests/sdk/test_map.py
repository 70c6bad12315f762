"""io.map: a task an item, side by side, retried by itself, some failures tolerated."""

import asyncio
from typing import Any

import pytest

from perdure import IO, Perdure, Retry, TaskFailed, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


async def test_results_come_in_the_order_of_the_items_and_travel_together(
    app: Perdure, platform: FakePlatform
) -> None:
    async def square(number: int) -> int:
        await asyncio.sleep(0.001 * (5 - number))
        return number * number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        return await io.map("squares", square, range(5))

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == [0, 1, 4, 9, 16]
    assert run.row("squares")["output"] == {"items": 5, "failed": 0}
    assert {row["parentKey"] for row in run.named("0")} == {run.row("squares")["idempotencyKey"]}


async def test_no_more_items_than_allowed_are_at_work(app: Perdure, platform: FakePlatform) -> None:
    at_work = most = 0

    async def item(number: int) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001)
        at_work -= 1

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.map("items", item, range(20), concurrency=3)

    assert (await platform.finish(app, platform.start("job")))["status"] == "SUCCESS"
    assert most == 3


async def test_each_item_is_retried_by_itself(app: Perdure, platform: FakePlatform) -> None:
    calls: list[int] = []

    async def item(number: int) -> int:
        calls.append(number)
        if number == 2 and calls.count(2) < 3:
            raise ConnectionError("not yet")
        return number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        return await io.map("items", item, range(4), options=TaskOptions(retry=Retry(limit=3)))

    assert (await platform.finish(app, platform.start("job")))["output"] == [0, 1, 2, 3]
    assert sorted(calls) == [0, 1, 2, 2, 2, 3]


async def test_tolerated_failures_are_in_the_result(app: Perdure, platform: FakePlatform) -> None:
    async def item(number: int) -> int:
        if number % 2:
            raise ValueError(f"odd: {number}")
        return number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[Any]:
        results = await io.map("items", item, range(4), tolerated_failures=2)
        await io.wait("replay", 1)
        return [result.message if isinstance(result, TaskFailed) else result for result in results]

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == [0, "odd: 1", 2, "odd: 3"]
    assert run.row("items")["output"] == {"items": 4, "failed": 2}


@pytest.mark.parametrize("tolerated", [0, 1])
async def test_too_many_failures_fail_the_map_and_begin_nothing_more(
    app: Perdure, platform: FakePlatform, tolerated: int
) -> None:
    begun: list[int] = []

    async def item(number: int) -> int:
        begun.append(number)
        raise ValueError(f"item {number}")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> Any:
        return await io.map("items", item, range(10), concurrency=1, tolerated_failures=tolerated)

    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "item 0")
    assert begun == list(range(tolerated + 1))
    assert run.row("items")["status"] == "ERRORED"


async def test_finished_items_are_not_called_again(app: Perdure, platform: FakePlatform) -> None:
    calls: list[int] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        async def item(number: int) -> int:
            if number == 3:
                await io.wait("pause", 60)
            calls.append(number)
            return number

        return await io.map("items", item, range(4))

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    assert sorted(calls) == [0, 1, 2]
    assert (await platform.finish(app, run))["output"] == [0, 1, 2, 3]
    assert sorted(calls) == [0, 1, 2, 3]


async def test_an_empty_map_is_an_empty_list(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        return await io.map("items", lambda number: number, [])

    assert (await platform.finish(app, platform.start("job")))["output"] == []


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"tolerated_failures": -1}])
async def test_impossible_limits_are_refused(app: Perdure, platform: FakePlatform, wrong: Any) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.map("items", lambda number: number, [1], **wrong)

    reply = await platform.finish(app, platform.start("job"))
    assert reply["error"]["name"] == "ValueError"
    assert next(iter(wrong)) in reply["error"]["message"]


async def test_waits_of_several_items_lie_in_their_items(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        async def item(number: int) -> int:
            await io.wait("pause", 60 + number)
            return number

        return await io.map("items", item, range(3))

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == [0, 1, 2]
    items = run.row("items")["id"]
    assert [row["parentId"] for row in run.rows.values() if row["displayKey"] in ("0", "1", "2")] == [
        items
    ] * 3
    assert run.named("log") == []
