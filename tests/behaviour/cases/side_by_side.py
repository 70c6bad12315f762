"""Tasks side by side: gather and task groups in async jobs, ``map`` in both kinds."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

from perdure import IO, DuplicateTaskKey, Retry, TaskFailed, TaskOptions

from ..define import AtMost, case
from ..observed import called, seen
from ..pauses import pause

QUICK = Retry(limit=3, factor=1, min_delay_s=0.01, max_delay_s=0.01, randomize=False)


async def square(value: int) -> int:
    called("square")
    return value * value


def odd_fails(value: int) -> int:
    called(f"item {value}")
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


@case(
    output=[n * n for n in range(10)],
    tasks=[f"n:{n} COMPLETED" for n in range(10)],
    calls={"square": 10},
    in_any_order=True,
    requests=AtMost(2),
    only="async",
)
async def ten_gathered(payload: None, io: IO) -> list[int]:
    return await asyncio.gather(*(io.run_task(["n", n], square, n) for n in range(10)))


@case(
    output=[1, 4],
    tasks=["a COMPLETED", "b COMPLETED", "wait COMPLETED"],
    calls={"square": 2},
    executions=2,
    in_any_order=True,
    only="async",
)
async def gathered_task_and_wait(payload: None, io: IO) -> list[int]:
    first, second, _ = await asyncio.gather(
        io.run_task("a", square, 1), io.run_task("b", square, 2), io.wait("wait", timedelta(hours=1))
    )
    return [first, second]


@case(
    output=[1, 4],
    tasks=["a COMPLETED", "b COMPLETED"],
    calls={"square": 2},
    in_any_order=True,
    only="async",
)
async def task_group(payload: None, io: IO) -> list[int]:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(io.run_task("a", square, 1))
        second = group.create_task(io.run_task("b", square, 2))
    return [first.result(), second.result()]


@case(
    tasks=["a COMPLETED", "b COMPLETED", "c COMPLETED"],
    executions=2,
    in_any_order=True,
    only="async",
)
async def gathered_waits_run_at_the_same_time(payload: None, io: IO) -> None:
    await asyncio.gather(*(io.wait(key, timedelta(hours=1)) for key in "abc"))


@case(
    output=["ValueError", 4],
    tasks=["a ERRORED", "b COMPLETED"],
    calls={"square": 1},
    in_any_order=True,
    only="async",
)
async def gather_with_exceptions(payload: None, io: IO) -> list[object]:
    failed, fine = await asyncio.gather(
        io.run_task("a", odd_fails, 1), io.run_task("b", square, 2), return_exceptions=True
    )
    assert isinstance(failed, TaskFailed)
    return [failed.name, fine]


@case(
    output=4,
    tasks=["flaky COMPLETED", "fine COMPLETED"],
    calls={"flaky": 2, "square": 1},
    executions=2,
    in_any_order=True,
    only="async",
)
async def gathered_task_is_retried(payload: None, io: IO) -> int:
    async def flaky() -> int:
        if called("flaky") == 1:
            raise ConnectionError
        return 0

    flaky_result, fine = await asyncio.gather(
        io.run_task("flaky", flaky, options=TaskOptions(retry=QUICK)), io.run_task("fine", square, 2)
    )
    return flaky_result + fine


@case(
    output=[0, 1, 4],
    tasks=["a COMPLETED", "  n:0 COMPLETED", "  n:1 COMPLETED", "  n:2 COMPLETED"],
    calls={"square": 3},
    in_any_order=True,
    only="async",
)
async def gathered_subtasks(payload: None, io: IO) -> list[int]:
    async def group() -> list[int]:
        return await asyncio.gather(*(io.run_task(["n", n], square, n) for n in range(3)))

    return await io.run_task("a", group)


@case(output="refused", tasks=["same COMPLETED"], only="async")
async def gathered_key_used_twice(payload: None, io: IO) -> str:
    first = io.run_task("same", square, 1)
    try:
        await asyncio.gather(first, io.run_task("same", square, 2))
    except DuplicateTaskKey:
        await first
        return "refused"
    return "taken"


@case(
    output=[0, 1, 4, 9, 16],
    tasks=["map COMPLETED", *(f"  {n} COMPLETED" for n in range(5))],
    calls={"square": 5},
    in_any_order=True,
)
async def map_over_items(payload: None, io: IO) -> list[int]:
    return await io.map("map", square, range(5))


@case(output=[], tasks=["map COMPLETED"])
async def map_over_nothing(payload: None, io: IO) -> list[int]:
    return await io.map("map", square, [])


@case(
    output=[0, "1 is odd", 2, "3 is odd"],
    tasks=["map COMPLETED", "  0 COMPLETED", "  1 ERRORED", "  2 COMPLETED", "  3 ERRORED"],
    in_any_order=True,
    calls={"item 0": 1, "item 1": 1},
)
async def map_tolerates_failures(payload: None, io: IO) -> list[object]:
    results = await io.map("map", odd_fails, range(4), tolerated_failures=2)
    return [result.message if isinstance(result, TaskFailed) else result for result in results]


@case(output="1 is odd", tasks=["map ERRORED", "  0 COMPLETED", "  1 ERRORED"], in_any_order=True)
async def map_without_tolerance(payload: None, io: IO) -> str:
    try:
        await io.map("map", odd_fails, range(2))
    except TaskFailed as error:
        return error.message
    return "tolerated"


@case(
    output=[1, 1, 1],
    tasks=["map COMPLETED", "  0 COMPLETED", "  1 COMPLETED", "  2 COMPLETED"],
    calls={"item 0": 2, "item 1": 2, "item 2": 2},
    executions=2,
    in_any_order=True,
)
async def map_retries_each_item(payload: None, io: IO) -> list[int]:
    def flaky(item: int) -> int:
        if called(f"item {item}") == 1:
            raise ConnectionError
        return 1

    return await io.map("map", flaky, range(3), options=TaskOptions(retry=QUICK))


@case(output=[n * n for n in range(40)], calls={"square": 40}, in_any_order=True,
      tasks=["map COMPLETED", *(f"  {n} COMPLETED" for n in range(40))])  # fmt: skip
async def map_over_many_items(payload: None, io: IO) -> list[int]:
    return await io.map("map", square, range(40), concurrency=20)


at_work = 0
most_at_work = 0
lock = threading.Lock()


@case(
    output="at most 2",
    tasks=["map COMPLETED", *(f"  {n} COMPLETED" for n in range(6))],
    in_any_order=True,
    hosts=["asgi"],
)
async def map_keeps_its_concurrency(payload: None, io: IO) -> str:
    async def work(item: int) -> None:
        global at_work, most_at_work
        with lock:
            at_work += 1
            most_at_work = max(most_at_work, at_work)
        await pause(0.01)
        with lock:
            at_work -= 1

    await io.map("map", work, range(6), concurrency=2)
    return "at most 2" if most_at_work == 2 else f"{most_at_work}"


@case(
    output=[0, 10],
    tasks=["map COMPLETED", "  0 COMPLETED", "    wait COMPLETED", "  1 COMPLETED", "    wait COMPLETED"],
    executions=2,
    in_any_order=True,
    only="async",
)
async def map_whose_items_wait(payload: None, io: IO) -> list[int]:
    async def item(number: int) -> int:
        await io.wait("wait", timedelta(hours=1))
        return number * 10

    return await io.map("map", item, range(2))


@case(
    output=[3, 6],
    tasks=["map COMPLETED", "  0 COMPLETED", "  1 COMPLETED", "wait COMPLETED"],
    executions=2,
    calls={"triple": 2},
    in_any_order=True,
    seen={"results": [[3, 6], [3, 6]]},
)
async def map_is_not_done_again(payload: None, io: IO) -> list[int]:
    def triple(number: int) -> int:
        called("triple")
        return number * 3

    results = await io.map("map", triple, [1, 2])
    seen("results", results)
    await io.wait("wait", 3600)
    return results
