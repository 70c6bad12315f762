"""Tries of a task: policies, what the error says, what the options say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perdure import (
    IO,
    STANDARD_BACKOFF,
    GiveUp,
    Retry,
    RetryAt,
    TaskFailed,
    TaskOptions,
    TaskTimedOut,
)

from ..define import Matching, case
from ..observed import called, seen
from ..pauses import pause

QUICK = Retry(limit=3, factor=1, min_delay_s=0.01, max_delay_s=0.01, randomize=False)


def flaky(failures: int) -> str:
    count = called("flaky")
    if count <= failures:
        raise ConnectionError(f"try {count}")
    return f"try {count}"


def retrying(**options: object) -> TaskOptions:
    return TaskOptions(**{"retry": QUICK, **options})  # type: ignore[arg-type]


@case(output="try 3", tasks=["flaky COMPLETED"], calls={"flaky": 3}, executions=3, requests=1)
async def succeeds_at_last(payload: None, io: IO) -> str:
    return await io.run_task("flaky", flaky, 2, options=retrying())


@case(
    status="FAILURE",
    output="ConnectionError: try 3",
    tasks=["flaky ERRORED"],
    calls={"flaky": 3},
    executions=3,
)
async def fails_in_the_end(payload: None, io: IO) -> str:
    return await io.run_task("flaky", flaky, 9, options=retrying())


@case(
    output="try 2",
    tasks=["before COMPLETED", "flaky COMPLETED"],
    calls={"before": 1, "flaky": 2},
    executions=2,
)
async def tasks_before_are_not_called_again(payload: None, io: IO) -> str:
    await io.run_task("before", lambda: called("before"))
    return await io.run_task("flaky", flaky, 1, options=retrying())


@case(status="FAILURE", output="ConnectionError: try 1", tasks=["flaky ERRORED"], calls={"flaky": 1})
async def no_policy_no_second_try(payload: None, io: IO) -> str:
    return await io.run_task("flaky", flaky, 1)


@case(output="try 2", tasks=["flaky COMPLETED"], calls={"flaky": 2}, executions=2)
async def skipped_backoff(payload: None, io: IO) -> str:
    return await io.run_task(
        "flaky", flaky, 1, options=retrying(retry=Retry(min_delay_s=3600, max_delay_s=3600))
    )


@case(output="try 2", tasks=["flaky COMPLETED"], calls={"flaky": 2}, executions=2)
async def retried_on_this_error(payload: None, io: IO) -> str:
    policy = Retry(limit=3, min_delay_s=0.01, max_delay_s=0.01, on=(ConnectionError, TimeoutError))
    return await io.run_task("flaky", flaky, 1, options=retrying(retry=policy))


@case(status="FAILURE", output="ConnectionError: try 1", tasks=["flaky ERRORED"], calls={"flaky": 1})
async def not_retried_on_another_error(payload: None, io: IO) -> str:
    policy = Retry(limit=3, min_delay_s=0.01, max_delay_s=0.01, on=ValueError)
    return await io.run_task("flaky", flaky, 1, options=retrying(retry=policy))


@case(
    status="FAILURE",
    output="ConnectionError: try 2",
    tasks=["flaky ERRORED"],
    calls={"flaky": 2},
    executions=2,
)
async def not_retried_when_a_function_says_so(payload: None, io: IO) -> str:
    policy = Retry(limit=5, min_delay_s=0.01, max_delay_s=0.01, unless=lambda error: str(error) == "try 2")
    return await io.run_task("flaky", flaky, 9, options=retrying(retry=policy))


@case(output="try 2", tasks=["flaky COMPLETED"], calls={"flaky": 2}, executions=2)
async def retry_at_an_instant(payload: None, io: IO) -> str:
    def limited() -> str:
        try:
            return flaky(1)
        except ConnectionError:
            raise RetryAt(datetime.now(UTC) + timedelta(days=400), "come back next year") from None

    return await io.run_task("flaky", limited)


@case(output="try 2", tasks=["flaky COMPLETED"], calls={"flaky": 2}, executions=2)
async def on_error_says_when(payload: None, io: IO) -> str:
    options = retrying(retry=None, on_error=lambda error: RetryAt(datetime.now(UTC) + timedelta(seconds=0)))
    return await io.run_task("flaky", flaky, 1, options=options)


@case(status="FAILURE", output="ConnectionError: try 1", tasks=["flaky ERRORED"], calls={"flaky": 1})
async def on_error_gives_up(payload: None, io: IO) -> str:
    return await io.run_task("flaky", flaky, 1, options=retrying(on_error=lambda error: GiveUp()))


@case(output=["ValueError", "try 3 again"], tasks=["flaky ERRORED"], calls={"flaky": 3}, executions=3)
async def on_error_changes_the_error(payload: None, io: IO) -> list[str | None]:
    options = retrying(on_error=lambda error: ValueError(f"{error} again"))
    try:
        await io.run_task("flaky", flaky, 9, options=options)
    except TaskFailed as error:
        return [error.name, error.message]
    return []


class Response:
    def __init__(self) -> None:
        self.headers = {"retry-after": "3600"}


class TooMany(Exception):
    response = Response()


@case(output=2, tasks=["limited COMPLETED"], executions=2, calls={"limited": 2})
async def retry_after_of_a_response(payload: None, io: IO) -> int:
    def limited() -> int:
        count = called("limited")
        if count == 1:
            raise TooMany("429")
        return count

    return await io.run_task("limited", limited, options=retrying(retry=STANDARD_BACKOFF))


@case(
    output="try 2",
    tasks=["outer COMPLETED", "  flaky COMPLETED"],
    calls={"outer": 2, "flaky": 2},
    executions=2,
)
async def subtask_is_retried(payload: None, io: IO) -> str:
    async def outer() -> str:
        called("outer")
        return await io.run_task("flaky", flaky, 1, options=retrying())

    return await io.run_task("outer", outer)


@case(output=3, tasks=["outer COMPLETED", "  inner COMPLETED"], calls={"outer": 3, "inner": 1}, executions=3)
async def finished_subtasks_of_a_retried_task(payload: None, io: IO) -> int:
    async def outer() -> int:
        await io.run_task("inner", lambda: called("inner"))
        count = called("outer")
        if count < 3:
            raise ConnectionError
        return count

    return await io.run_task("outer", outer, options=retrying())


@case(output=["charge", 1], tasks=["charge COMPLETED"], calls={"charge": 1}, requests=2)
async def at_most_once(payload: None, io: IO) -> list[object]:
    count = await io.run_task("charge", lambda: called("charge"), options=TaskOptions(at_most_once=True))
    return ["charge", count]


@case(
    status="FAILURE",
    output="ValueError: card declined",
    tasks=["charge ERRORED"],
    calls={"charge": 1},
    executions=1,
)
async def at_most_once_fails(payload: None, io: IO) -> None:
    def charge() -> None:
        called("charge")
        raise ValueError("card declined")

    await io.run_task("charge", charge, options=TaskOptions(at_most_once=True))


@case(output="ValueError")
async def at_most_once_with_retries_is_refused(payload: None, io: IO) -> str:
    try:
        TaskOptions(at_most_once=True, retry=QUICK)
    except ValueError as error:
        return type(error).__name__
    return "taken"


@case(status="FAILURE", output=Matching("TaskTimedOut: .*0.05.*"), tasks=["slow ERRORED"], calls={"slow": 1})
async def task_times_out(payload: None, io: IO) -> None:
    async def slow() -> None:
        called("slow")
        await pause(5)

    await io.run_task("slow", slow, options=TaskOptions(timeout=timedelta(seconds=0.05)))


@case(output=2, tasks=["slow COMPLETED"], calls={"slow": 2}, executions=2)
async def timeout_is_retried(payload: None, io: IO) -> int:
    async def slow() -> int:
        count = called("slow")
        if count == 1:
            await pause(5)
        return count

    policy = Retry(limit=2, min_delay_s=0.01, max_delay_s=0.01, on=TaskTimedOut)
    # Long enough for the second try on a host that is busy with other tests.
    return await io.run_task("slow", slow, options=TaskOptions(timeout=timedelta(seconds=1), retry=policy))


@case(output="done", tasks=["quick COMPLETED"])
async def timeout_that_is_not_reached(payload: None, io: IO) -> str:
    def quick() -> str:
        seen("ran", True)
        return "done"

    return await io.run_task("quick", quick, options=TaskOptions(timeout=timedelta(minutes=1)))
