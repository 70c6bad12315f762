"""Code that changed under a running run is detected, and values are the same in every execution."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from perdure import IO, Perdure, TaskFailed, event_trigger
from perdure.keys import idempotency_key
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


async def nothing() -> None: ...


async def test_a_new_task_in_front_of_a_finished_one_is_refused(app: Perdure, platform: FakePlatform) -> None:
    version = 1
    called: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        if version == 2:
            await io.run_task("check stock", lambda: called.append("check stock"))
        await io.run_task("charge card", nothing)
        await io.wait("pause", 60)

    run = platform.start("job")
    await platform.execute(app, run)
    version = 2
    run.end_waits()
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["error"]["name"]) == ("ERROR", "ReplayMismatch")
    message = reply["error"]["message"]
    assert "begins the new task 'check stock', where it did 'charge card' before" in message
    assert "test_replay.py:" in message
    assert called == []


async def test_a_renamed_wait_is_refused(app: Perdure, platform: FakePlatform) -> None:
    key = "wait a day"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.wait(key, 60)

    run = platform.start("job")
    await platform.execute(app, run)
    key = "wait a week"
    run.end_waits()
    reply = await platform.execute(app, run)
    assert "'wait a week', where it did 'wait a day' before" in reply["error"]["message"]


async def test_a_wait_that_became_a_task_is_refused(app: Perdure, platform: FakePlatform) -> None:
    version = 1

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        if version == 1:
            await io.wait("step", 60)
        else:
            await io.run_task("step", nothing)

    run = platform.start("job")
    await platform.execute(app, run)
    version = 2
    run.end_waits()
    reply = await platform.execute(app, run)
    assert "'step' is a task at" in reply["error"]["message"]
    assert "was a wait when the run came there first" in reply["error"]["message"]


async def test_a_change_within_a_task_is_refused_too(app: Perdure, platform: FakePlatform) -> None:
    order = ["a", "pause"]

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def outer() -> None:
            for name in order:
                if name == "pause":
                    await io.wait("pause", 60)
                else:
                    await io.run_task(name, nothing)

        await io.run_task("outer", outer)

    run = platform.start("job")
    await platform.execute(app, run)
    order = ["new", "a", "pause"]
    run.end_waits()
    reply = await platform.execute(app, run)
    assert "new task 'new', where it did 'a' before" in reply["error"]["message"]


async def test_a_task_behind_what_was_done_may_be_new(app: Perdure, platform: FakePlatform) -> None:
    names = ["a"]

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        for name in names:
            await io.run_task(name, nothing)
        await io.wait("pause", 60)
        for name in names:
            await io.run_task(f"after {name}", nothing)
        return "done"

    run = platform.start("job")
    await platform.execute(app, run)
    assert (await platform.finish(app, run))["output"] == "done"


@pytest.mark.parametrize("branches", [True, False])
async def test_concurrent_calls_may_be_met_in_any_order(
    app: Perdure, platform: FakePlatform, branches: bool
) -> None:
    """An execution was lost when it had stored the second and the third task: the first is new after them."""

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def branch(*keys: str) -> str:
            return "".join([await io.run_task(key, lambda key=key: key) for key in keys])

        if branches:
            return "".join(await asyncio.gather(branch("a"), branch("b", "c")))
        return "".join(await asyncio.gather(*(io.run_task(key, lambda key=key: key) for key in "abc")))

    run = platform.start("job")
    for key in "bc":
        digest = idempotency_key(run.id, None, key)
        run.store(
            {
                "idempotencyKey": digest,
                "displayKey": key,
                "name": key,
                "noop": False,
                "status": "COMPLETED",
                "output": key,
            }
        )
    assert (await platform.execute(app, run))["output"] == "abc"


async def test_a_finished_task_that_is_not_met_any_more_is_told_in_the_log(
    app: Perdure, platform: FakePlatform
) -> None:
    version = 1

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        await io.wait("pause", 60)
        if version == 1:
            await io.run_task("charge card", nothing)
            await io.wait("pause again", 60)
        return "done"

    run = platform.start("job")
    await platform.execute(app, run)
    run.end_waits()
    await platform.execute(app, run)
    version = 2
    run.end_waits()
    assert (await platform.execute(app, run))["output"] == "done"
    lines = [row["description"] for row in run.named("log")]
    assert any("'charge card'" in line and "code changed" in line for line in lines)


async def test_values_are_the_same_in_every_execution_and_cost_no_call(
    app: Perdure, platform: FakePlatform
) -> None:
    seen: list[tuple[int, str, datetime]] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        seen.append((io.random("dice").randint(1, 10**9), str(io.uuid("id")), io.now("began")))
        await io.wait("pause", 60)
        seen.append((io.random("more").randint(1, 10**9), str(io.uuid("other")), io.now("later")))

    first, second = platform.start("job"), platform.start("job")
    await platform.finish(app, first)
    await platform.finish(app, second)
    assert platform.puts() == []
    assert seen[0] == seen[1]
    assert seen[0][:2] != seen[2][:2]
    assert seen[3] == seen[4]
    assert seen[0][2] <= seen[3][2]
    assert seen[0][2].tzinfo is not None


async def test_a_yield_is_taken_once(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        await io.yield_execution("breathe")
        return "done"

    run = platform.start("job")
    assert await platform.execute(app, run) == {"status": "YIELD_EXECUTION", "key": "breathe"}
    assert (await platform.execute(app, run, yieldedExecutions=["breathe"]))["output"] == "done"


async def test_a_failed_task_of_an_earlier_execution_fails_again(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        with pytest.raises(TaskFailed, match="no"):
            await io.run_task("broken", _fail)
        await io.wait("pause", 60)
        return "done"

    assert (await platform.finish(app, platform.start("job")))["output"] == "done"


async def _fail() -> None:
    raise ValueError("no")
