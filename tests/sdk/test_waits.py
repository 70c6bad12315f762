"""Waits: nothing of the run is alive meanwhile, and nothing of the user's code can swallow one."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from perdure import IO, Perdure, RunInterrupt, event_trigger
from perdure.keys import idempotency_key
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


async def test_a_wait_makes_no_call_and_travels_in_the_reply(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        await io.wait("wait 24 hours", timedelta(hours=24))
        return "later"

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply == {
        "status": "RESUME_WITH_TASK",
        "task": {
            "idempotencyKey": idempotency_key(run.id, None, "wait 24 hours"),
            "displayKey": "wait 24 hours",
            "name": "wait",
            "icon": "clock",
            "noop": True,
            "params": {"seconds": 86400.0},
            "delaySeconds": 86400.0,
            "style": {"style": "minimal"},
        },
    }
    assert platform.calls == []
    assert (await platform.finish(app, run))["output"] == "later"


async def test_a_wait_that_is_not_over_is_met_again_by_its_id(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.wait("wait", 10)

    run = platform.start("job")
    await platform.execute(app, run)
    reply = await platform.execute(app, run)
    assert reply == {"status": "RESUME_WITH_TASK", "task": {"id": run.row("wait")["id"]}}


async def test_except_exception_does_not_swallow_a_wait(app: Perdure, platform: FakePlatform) -> None:
    went_on: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        try:
            await io.wait("wait", 10)
        except Exception:
            went_on.append("swallowed")

    assert (await platform.execute(app, platform.start("job")))["status"] == "RESUME_WITH_TASK"
    assert went_on == []


async def test_even_a_bare_except_gets_no_further(app: Perdure, platform: FakePlatform) -> None:
    called: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            await io.wait("wait", 10)
        except BaseException:
            called.append("swallowed")
        with pytest.raises(RunInterrupt):
            await io.run_task("next", lambda: called.append("next"))
        return "done"

    assert (await platform.execute(app, platform.start("job")))["status"] == "RESUME_WITH_TASK"
    assert called == ["swallowed"]
    assert platform.calls == []


async def test_cleanup_that_raises_does_not_hide_a_wait(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        try:
            await io.wait("wait", 10)
        finally:
            raise RuntimeError("cleanup")

    assert (await platform.execute(app, platform.start("job")))["status"] == "RESUME_WITH_TASK"


async def test_a_wait_inside_a_task_announces_the_task(app: Perdure, platform: FakePlatform) -> None:
    calls: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def outer() -> str:
            calls.append("outer")
            await io.wait("wait", 10)
            return "waited"

        return await io.run_task("outer", outer)

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert [(record["displayKey"], record["status"]) for record in reply["tasks"]] == [("outer", "RUNNING")]
    assert reply["task"]["parentKey"] == reply["tasks"][0]["idempotencyKey"]
    assert (await platform.finish(app, run))["output"] == "waited"
    assert calls == ["outer", "outer"]
    assert platform.puts()[-1][0]["displayKey"] == "outer"


async def test_a_wait_in_a_task_group_is_unwrapped(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async with asyncio.TaskGroup() as group:
            group.create_task(io.wait("wait", 10))
        return "done"

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    assert (await platform.finish(app, run))["output"] == "done"


async def test_a_wait_in_a_task_group_in_a_task_is_unwrapped(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def outer() -> str:
            async with asyncio.TaskGroup() as group:
                group.create_task(io.wait("wait", 10))
            return "done"

        return await io.run_task("outer", outer)

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    assert (await platform.finish(app, run))["output"] == "done"


@pytest.mark.parametrize("duration", [-1, float("nan"), float("inf"), timedelta(seconds=-1)])
async def test_impossible_durations_are_refused(app: Perdure, platform: FakePlatform, duration: Any) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.wait("wait", duration)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert "duration must be 0 or more seconds" in reply["error"]["message"]
