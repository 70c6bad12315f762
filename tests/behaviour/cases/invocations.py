"""Other jobs, invoked from a run."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from perdure import IO, RunFailed, TaskFailed, WaitTimedOut

from ..define import case, helper, named
from ..observed import called

SUMMING = named("summing")


class Sum(BaseModel):
    total: int


@helper()
async def summing(payload: list[int], io: IO) -> Sum:
    return Sum(total=await io.run_task("sum", sum, payload))


@helper()
async def failing(payload: None, io: IO) -> None:
    raise ValueError("no luck")


@helper()
async def sleeping(payload: None, io: IO) -> str:
    await io.wait("sleep", timedelta(hours=5))
    return "slept"


@helper()
async def silent(payload: None, io: IO) -> None:
    called("silent")


@case(output=True, tasks=["invoke COMPLETED"], requests=1)
async def invoke_without_waiting(payload: None, io: IO) -> bool:
    run = await io.invoke("invoke", summing, [1, 2])
    return len(run.id) == 36


@case(output=6, tasks=["invoke COMPLETED"], executions=2)
async def invoke_and_wait(payload: None, io: IO) -> int:
    result = await io.invoke_and_wait("invoke", summing, [1, 2, 3])
    return result.total


@case(output={"total": 3}, tasks=["invoke COMPLETED"], executions=2)
async def invoke_by_id(payload: None, io: IO) -> object:
    return await io.invoke_and_wait("invoke", SUMMING, [1, 2])


@case(output=["FAILURE", "no luck"], tasks=["invoke COMPLETED"], executions=2)
async def invoked_job_fails(payload: None, io: IO) -> list[str]:
    try:
        await io.invoke_and_wait("invoke", failing, None)
    except RunFailed as error:
        return [error.status, error.error.message]
    return []


@case(output=None, tasks=["invoke COMPLETED"], executions=2)
async def invoked_job_without_output(payload: None, io: IO) -> None:
    return await io.invoke_and_wait("invoke", silent, None)


@case(output="slept", tasks=["invoke COMPLETED"], executions=2)
async def invoked_job_waits_itself(payload: None, io: IO) -> str:
    return await io.invoke_and_wait("invoke", sleeping, None)


@case(output="too late", tasks=["invoke ERRORED"], executions=2)
async def invoked_job_takes_too_long(payload: None, io: IO) -> str:
    try:
        return await io.invoke_and_wait("invoke", sleeping, None, timeout=timedelta(hours=1))
    except WaitTimedOut:
        return "too late"


@case(output="refused", tasks=["invoke ERRORED"])
async def invoke_an_unknown_job(payload: None, io: IO) -> str:
    try:
        await io.invoke("invoke", "no-such-job")
    except TaskFailed:
        return "refused"
    return "started"


@case(
    output=[1, 3, 6],
    tasks=["batch COMPLETED", "  0 COMPLETED", "  1 COMPLETED", "  2 COMPLETED"],
    executions=None,
    in_any_order=True,
)
async def batch_of_jobs(payload: None, io: IO) -> list[int]:
    results = await io.batch_invoke_and_wait("batch", summing, [[1], [1, 2], [1, 2, 3]])
    return [result.total for result in results if not isinstance(result, RunFailed)]


@case(
    output=["RunFailed", "RunFailed"],
    executions=None,
    tasks=["batch COMPLETED", "  0 COMPLETED", "  1 COMPLETED"],
)
async def batch_of_failing_jobs(payload: None, io: IO) -> list[str]:
    results = await io.batch_invoke_and_wait("batch", failing, [None, None])
    return [type(result).__name__ for result in results]
