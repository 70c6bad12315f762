"""What an execution held is freed when it is over, and does not wait for the garbage collector."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from perdure import IO, STANDARD_BACKOFF, Perdure, SyncIO, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


class Big:
    """What a job works with, say a picture."""


@pytest.fixture(autouse=True)
def _collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def step() -> int:
    return 1


async def fail() -> int:
    raise ValueError("broken")


async def task_and_success(io: IO) -> None:
    await io.run_task("step", step)


async def wait(io: IO) -> None:
    await io.wait("wait", timedelta(days=1))


async def waits_side_by_side(io: IO) -> None:
    await asyncio.gather(io.wait("one", 60), io.wait("two", 70), io.run_task("step", step))


async def wait_within_a_task(io: IO) -> None:
    await io.run_task("outer", lambda: wait(io))


async def failure(io: IO) -> None:
    await io.run_task("step", step)
    raise ValueError("broken")


async def failed_task(io: IO) -> None:
    await io.run_task("fail", fail)


async def retry(io: IO) -> None:
    await io.run_task("fail", fail, options=TaskOptions(retry=STANDARD_BACKOFF))


async def own_cause(io: IO) -> None:
    error = ValueError("broken")
    raise error from error


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (task_and_success, "SUCCESS"),
        (wait, "RESUME_WITH_TASK"),
        (waits_side_by_side, "RESUME_WITH_TASK"),
        (wait_within_a_task, "RESUME_WITH_TASK"),
        (failure, "ERROR"),
        (failed_task, "ERROR"),
        (own_cause, "ERROR"),
        (retry, "RETRY_WITH_TASK"),
    ],
)
async def test_what_a_job_held_is_freed_at_once(
    app: Perdure, platform: FakePlatform, body: Any, status: str
) -> None:
    held: list[weakref.ref[Big]] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        big = Big()
        held.append(weakref.ref(big))
        await body(io)
        del big

    assert (await platform.execute(app, platform.start("job")))["status"] == status
    assert [one() for one in held] == [None]


async def test_the_same_of_a_plain_job(app: Perdure, platform: FakePlatform) -> None:
    held: list[weakref.ref[Big]] = []

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        big = Big()
        held.append(weakref.ref(big))
        io.wait("wait", timedelta(days=1))
        del big

    assert (await platform.execute(app, platform.start("job")))["status"] == "RESUME_WITH_TASK"
    assert [one() for one in held] == [None]
