"""Errors of jobs and tasks, and what catches them."""

from __future__ import annotations

import sys

from perdure import IO, NonRetryableError, Retry, TaskFailed, TaskOptions

from ..define import Matching, case
from ..observed import called, seen


class ShopClosed(Exception):
    """An error of the app's own."""


def fail() -> None:
    called("fail")
    raise ShopClosed("come back on Monday")


@case(status="FAILURE", output="ShopClosed: come back on Monday")
async def job_raises(payload: None, io: IO) -> None:
    raise ShopClosed("come back on Monday")


@case(status="FAILURE", output="ShopClosed: come back on Monday", tasks=["fail ERRORED"], calls={"fail": 1})
async def task_raises(payload: None, io: IO) -> None:
    await io.run_task("fail", fail)


@case(
    output=["ShopClosed", "come back on Monday", "fail", "ShopClosed"],
    tasks=["fail ERRORED"],
    calls={"fail": 1},
)
async def failure_is_caught(payload: None, io: IO) -> list[str | None]:
    try:
        await io.run_task("fail", fail)
    except TaskFailed as error:
        return [error.name, error.message, error.key, type(error.__cause__).__name__]
    return []


@case(
    output="went on",
    tasks=["fail ERRORED", "wait COMPLETED", "after COMPLETED"],
    calls={"fail": 1},
    executions=2,
    seen={"message": ["come back on Monday"] * 2},
)
async def failure_is_the_same_in_later_executions(payload: None, io: IO) -> str:
    try:
        await io.run_task("fail", fail)
    except TaskFailed as error:
        seen("message", error.message)
    await io.wait("wait", 3600)
    return await io.run_task("after", lambda: "went on")


@case(
    status="FAILURE",
    output="ShopClosed: come back on Monday",
    tasks=["outer ERRORED", "  fail ERRORED"],
    calls={"fail": 1, "outer": 1},
)
async def failed_subtask_fails_its_parent(payload: None, io: IO) -> None:
    async def outer() -> None:
        called("outer")
        await io.run_task("fail", fail)

    await io.run_task("outer", outer, options=TaskOptions(retry=Retry(limit=3, min_delay_s=0.01)))


@case(output="caught", tasks=["outer COMPLETED", "  fail ERRORED"])
async def failed_subtask_is_caught_by_its_parent(payload: None, io: IO) -> str:
    async def outer() -> str:
        try:
            await io.run_task("fail", fail)
        except TaskFailed:
            return "caught"
        return "nothing"

    return await io.run_task("outer", outer)


@case(status="FAILURE", output=Matching("RuntimeError: first"), tasks=["fail ERRORED"])
async def another_error_in_its_place(payload: None, io: IO) -> None:
    try:
        await io.run_task("fail", fail)
    except TaskFailed as error:
        raise RuntimeError("first") from error


@case(status="FAILURE", output="JobExited: the job called sys.exit(3)")
async def job_exits(payload: None, io: IO) -> None:
    sys.exit(3)


@case(output="caught", tasks=["exits ERRORED"])
async def task_exits(payload: None, io: IO) -> str:
    try:
        await io.run_task("exits", sys.exit, 3)
    except TaskFailed:
        return "caught"
    return "nothing"


@case(status="FAILURE", output=Matching("ExceptionGroup: two .2 sub-exceptions."))
async def job_raises_a_group(payload: None, io: IO) -> None:
    raise ExceptionGroup("two", [ValueError("a"), ValueError("b")])


@case(status="FAILURE", output=Matching("ValueError: .*🎉.*"))
async def unicode_error(payload: None, io: IO) -> None:
    raise ValueError("Käse \0 \ud83c 🎉")


@case(status="FAILURE", output=Matching("ValueError: x{1000}.*"))
async def long_error(payload: None, io: IO) -> None:
    raise ValueError("x" * 1_000_000)


@case(status="FAILURE", output="NonRetryableError: no such card", tasks=["pay ERRORED"], calls={"pay": 1})
async def non_retryable_error(payload: None, io: IO) -> None:
    def pay() -> None:
        called("pay")
        raise NonRetryableError("no such card")

    await io.run_task("pay", pay, options=TaskOptions(retry=Retry(limit=5, min_delay_s=0.01)))


@case(output="closed", tasks=["fail ERRORED", "tidy COMPLETED"])
async def finally_may_have_tasks(payload: None, io: IO) -> str:
    try:
        await io.run_task("fail", fail)
    except TaskFailed:
        pass
    finally:
        result = await io.run_task("tidy", lambda: "closed")
    return result


@case(status="FAILURE", output=Matching("KeyError: .*missing.*"))
async def error_of_a_plain_bug(payload: None, io: IO) -> None:
    {}["missing"]
