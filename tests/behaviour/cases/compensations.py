"""What a failing run undoes."""

from __future__ import annotations

from perdure import IO, TaskOptions

from ..define import case
from ..observed import called, seen


def undo(what: str) -> None:
    called("undo")
    seen("undone", what)


def book(what: str) -> str:
    called("book")
    return what


def undoing(*keys: str) -> list[str]:
    return ["compensate COMPLETED", "  failure COMPLETED", *(f"  undo {key} COMPLETED" for key in keys)]


UNDONE = TaskOptions(compensate=undo)


@case(
    status="FAILURE",
    output="ValueError: no rooms",
    calls={"book": 2, "undo": 2},
    seen={"undone": ["car", "flight"]},
    executions=None,
    tasks=["flight COMPLETED", "car COMPLETED", *undoing("car", "flight")],
)
async def undone_in_reverse(payload: None, io: IO) -> None:
    await io.run_task("flight", book, "flight", options=UNDONE)
    await io.run_task("car", book, "car", options=UNDONE)
    raise ValueError("no rooms")


@case(output="booked", tasks=["flight COMPLETED"], calls={"book": 1, "undo": 0})
async def nothing_undone_on_success(payload: None, io: IO) -> str:
    await io.run_task("flight", book, "flight", options=UNDONE)
    return "booked"


@case(
    status="FAILURE",
    output="ValueError: full",
    calls={"book": 1, "undo": 1},
    executions=None,
    seen={"undone": ["flight"]},
    tasks=["flight COMPLETED", "hotel ERRORED", *undoing("flight")],
)
async def failed_task_has_nothing_to_undo(payload: None, io: IO) -> None:
    def full() -> str:
        raise ValueError("full")

    await io.run_task("flight", book, "flight", options=UNDONE)
    await io.run_task("hotel", full, options=UNDONE)


@case(
    status="FAILURE",
    output="ValueError: late",
    calls={"book": 1, "undo": 1},
    executions=None,
    seen={"undone": ["flight"]},
    tasks=["flight COMPLETED", "wait COMPLETED", *undoing("flight")],
)
async def undone_in_a_later_execution(payload: None, io: IO) -> None:
    await io.run_task("flight", book, "flight", options=UNDONE)
    await io.wait("wait", 3600)
    raise ValueError("late")


@case(status="FAILURE", output="ValueError: no rooms", calls={"book": 1, "try to undo": 3}, executions=None,
      seen={"undone": ["flight"]}, tasks=["flight COMPLETED", *undoing("flight")])  # fmt: skip
async def undoing_is_retried(payload: None, io: IO) -> None:
    def flaky(what: str) -> None:
        if called("try to undo") < 3:
            raise ConnectionError("not now")
        seen("undone", what)

    await io.run_task("flight", book, "flight", options=TaskOptions(compensate=flaky))
    raise ValueError("no rooms")


@case(output="caught", calls={"book": 1, "undo": 0}, tasks=["flight COMPLETED", "fails ERRORED"])
async def caught_failures_undo_nothing(payload: None, io: IO) -> str:
    from perdure import TaskFailed

    def fails() -> None:
        raise ValueError("no")

    await io.run_task("flight", book, "flight", options=UNDONE)
    try:
        await io.run_task("fails", fails)
    except TaskFailed:
        return "caught"
    return "nothing"


@case(
    status="FAILURE",
    output="ValueError: late",
    calls={"book": 1, "undo": 0},
    executions=2,
    tasks=["flight COMPLETED", "wait COMPLETED", "log COMPLETED"],
)
async def what_a_failing_run_does_not_come_to_is_logged(payload: None, io: IO) -> None:
    if called("run") == 1:
        await io.run_task("flight", book, "flight", options=UNDONE)
    await io.wait("wait", 3600)
    raise ValueError("late")


@case(
    status="FAILURE",
    output="ValueError: full (and could not be undone: flight: the code does not come to it any more)",
    calls={"book": 3, "undo": 1, "try to undo": 2},
    executions=2,
    seen={"undone": ["car"]},
    tasks=["flight COMPLETED", "hotel COMPLETED", "car COMPLETED", *undoing("car", "hotel")],
)
async def what_an_undoing_does_not_come_to_is_told(payload: None, io: IO) -> None:
    def flaky(what: str) -> None:
        if called("try to undo") < 2:
            raise ConnectionError("not now")

    if called("run") == 1:
        await io.run_task("flight", book, "flight", options=UNDONE)
    await io.run_task("hotel", book, "hotel", options=TaskOptions(compensate=flaky))
    await io.run_task("car", book, "car", options=UNDONE)
    raise ValueError("full")
