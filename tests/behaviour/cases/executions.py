"""Executions: given up in time, asked for, swallowed, and code that changed."""

from __future__ import annotations

from datetime import timedelta

from perdure import IO, Context, TaskFailed, TaskOptions

from ..define import AtLeast, Matching, case
from ..observed import called, seen
from ..pauses import pause
from ..steps import cancel


@case(tasks=["a COMPLETED", "b COMPLETED"], calls={"run": 2, "a": 1}, executions=2, seen={"at": [1, 2, 2, 2]})
async def yields_on_demand(payload: None, io: IO) -> None:
    run = called("run")
    await io.run_task("a", lambda: called("a"))
    seen("at", run)
    await io.yield_execution("here")
    seen("at", run)
    await io.run_task("b", lambda: called("b"))
    seen("at", run)


@case(executions=4, requests=0)
async def yields_in_a_loop(payload: None, io: IO) -> None:
    for index in range(3):
        await io.yield_execution(f"round {index}")


@case(output=8, tasks=[f"n:{n} COMPLETED" for n in range(8)], calls={"task": 8}, executions=AtLeast(2))
async def auto_yield_before_the_time_is_up(payload: None, io: IO) -> int:
    async def task() -> int:
        called("task")
        await pause(0.2)
        return 1

    return sum([await io.run_task(["n", n], task) for n in range(8)])


@case(output="came through", tasks=["wait COMPLETED"], executions=2)
async def except_exception_lets_a_wait_pass(payload: None, io: IO) -> str:
    try:
        await io.wait("wait", timedelta(hours=1))
    except Exception:
        return "swallowed"
    return "came through"


@case(output="came through", tasks=["wait COMPLETED"], executions=2)
async def bare_except_does_not_end_a_wait(payload: None, io: IO) -> str:
    try:
        await io.wait("wait", timedelta(hours=1))
    except BaseException:
        return "swallowed"
    return "came through"


@case(tasks=["wait COMPLETED"], executions=2, calls={"finally": 2})
async def finally_runs_in_each_execution(payload: None, io: IO) -> None:
    try:
        await io.wait("wait", timedelta(hours=1))
    finally:
        called("finally")


@case(
    status="FAILURE",
    output=Matching("ReplayMismatch: .*first.*other.*|ReplayMismatch: .*other.*first.*"),
    tasks=["first COMPLETED", "wait COMPLETED", "log COMPLETED"],
    executions=2,
)
async def other_code_on_replay(payload: None, io: IO) -> None:
    await io.run_task("first" if called("run") == 1 else "other", lambda: 1)
    await io.wait("wait", timedelta(hours=1))


@case(output="both", tasks=["a COMPLETED", "b COMPLETED"], executions=1)
async def conditions_on_stored_results(payload: None, io: IO) -> str:
    if await io.run_task("a", lambda: True):
        return await io.run_task("b", lambda: "both")
    return "one"


@case(tasks=["slow COMPLETED"], executions=1, calls={"slow": 1})
async def slow_task(payload: None, io: IO) -> None:
    async def slow() -> None:
        called("slow")
        await pause(1.2)

    await io.run_task("slow", slow)


@case(status="CANCELED", output=None, tasks=["a COMPLETED", "wait CANCELED"], calls={"b": 0}, then=[cancel])
async def nothing_runs_after_a_cancel(payload: None, io: IO) -> None:
    await io.run_task("a", lambda: called("a"))
    await io.wait("wait", timedelta(days=800))
    await io.run_task("b", lambda: called("b"))


@case(output=True, tasks=["wait COMPLETED"], executions=2, seen={"id": [True, True]})
async def every_execution_is_of_one_run(payload: None, io: IO, ctx: Context) -> bool:
    seen("id", ctx.run.id == str(ctx.run.id))
    await io.wait("wait", 3600)
    return True


@case(output="ValueError: 3", tasks=["a COMPLETED", "b COMPLETED", "c ERRORED"])
async def loop_until_one_fails(payload: None, io: IO) -> str:
    def fail_at(number: int) -> None:
        if number == 3:
            raise ValueError("3")

    for number, key in enumerate("abcd", start=1):
        try:
            await io.run_task(key, fail_at, number, options=TaskOptions(icon="loop"))
        except TaskFailed as error:
            return f"{error.name}: {error.message}"
    return "none"
