"""Lines that a run logs."""

from __future__ import annotations

import logging

from perdure import IO, Context

from ..define import case
from ..observed import called, seen

LINE = "log COMPLETED"


@case(tasks=[LINE, LINE, LINE, LINE], requests=0)
async def every_level(payload: None, io: IO) -> None:
    io.logger.debug("debug", n=1)
    io.logger.info("info", at=object())
    io.logger.warning("warning")
    io.logger.error("error", text="🎉")


@case(tasks=[LINE, "wait COMPLETED", LINE], executions=2, requests=0)
async def each_line_once(payload: None, io: IO) -> None:
    io.logger.info("before")
    await io.wait("wait", 3600)
    io.logger.info("after")


@case(tasks=["task COMPLETED", f"  {LINE}"], requests=1)
async def line_within_a_task(payload: None, io: IO) -> None:
    def task() -> None:
        io.logger.info("working")

    await io.run_task("task", task)


@case(status="FAILURE", output="ValueError: no", tasks=[LINE])
async def line_of_a_failing_run(payload: None, io: IO) -> None:
    io.logger.error("going down")
    raise ValueError("no")


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[object, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((getattr(record, "run_id", None), record.getMessage()))


@case(tasks=[LINE, "wait COMPLETED"], executions=2, seen={"heard": [["hello"], []]})
async def lines_reach_the_standard_logging_once(payload: None, io: IO, ctx: Context) -> None:
    heard = Heard()
    logger = logging.getLogger("perdure.job")
    logger.setLevel(logging.INFO)
    logger.addHandler(heard)
    try:
        io.logger.info("hello")
    finally:
        logger.removeHandler(heard)
    seen("heard", [message for run_id, message in heard.messages if run_id == ctx.run.id])
    called("run")
    await io.wait("wait", 3600)
