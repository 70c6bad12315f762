"""asyncio.gather and task groups over tasks, waits and failures."""

import asyncio
from typing import Any

from perdure import IO, Perdure, Retry, TaskFailed, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform
from tests.support.waiting import eventually_async

ON = event_trigger("test.event")


async def test_gathered_tasks_travel_together(app: Perdure, platform: FakePlatform) -> None:
    async def square(number: int) -> int:
        await asyncio.sleep(0)
        return number * number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        return list(await asyncio.gather(*(io.run_task(["n", n], square, n) for n in range(10))))

    reply = await platform.execute(app, platform.start("job"))
    assert reply["output"] == [n * n for n in range(10)]
    assert sum(len(put) for put in platform.puts()) == 10
    assert len(platform.puts()) <= 2


async def test_sequential_tasks_make_one_call_each(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        for number in range(7):
            await io.run_task(["n", number], lambda: 1)

    await platform.execute(app, platform.start("job"))
    assert len(platform.calls) == 7


async def test_siblings_of_a_wait_finish_first_and_are_not_called_again(
    app: Perdure, platform: FakePlatform
) -> None:
    calls: list[str] = []
    gate = asyncio.Event()

    async def work(name: str) -> str:
        calls.append(name)
        if name == "slow":
            await gate.wait()
        return name

    async def branch(io: IO) -> str:
        first = await io.run_task("slow", work, "slow")
        return first + " " + await io.run_task("after slow", work, "after")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[Any]:
        return list(
            await asyncio.gather(
                io.wait("long", 100), io.run_task("quick", work, "quick"), branch(io), io.wait("short", 5)
            )
        )

    run = platform.start("job")
    execution = asyncio.create_task(platform.execute(app, run))
    await eventually_async(lambda: len(run.named("wait")) == 2, what="the waits are opened early")
    assert "slow" in calls
    assert not execution.done()
    gate.set()
    reply = await execution
    assert reply["status"] == "RESUME_WITH_TASK"
    assert reply["task"]["displayKey"] == "short"
    assert [record["displayKey"] for record in reply["tasks"]] == ["long"]
    assert run.row("long")["status"] == "WAITING"
    assert sorted(calls) == ["after", "quick", "slow"]
    assert (await platform.finish(app, run))["output"] == [None, "quick", "slow after", None]
    assert sorted(calls) == ["after", "quick", "slow"]


async def test_waits_under_two_parents_do_not_wait_for_each_other(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        async def parent(number: int) -> int:
            await io.wait("wait", number)
            return number

        return list(await asyncio.gather(io.run_task("a", parent, 2), io.run_task("b", parent, 1)))

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    assert reply["task"]["delaySeconds"] == 1
    assert [record["name"] for record in reply["tasks"]] == ["a", "wait", "b"]
    assert (await platform.finish(app, run))["output"] == [2, 1]
    assert len(platform.replies) == 2


async def test_a_retry_among_waits_is_the_reply_and_the_waits_travel_with_it(
    app: Perdure, platform: FakePlatform
) -> None:
    tries: list[int] = []

    def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("not yet")
        return "up"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[Any]:
        return list(
            await asyncio.gather(
                io.wait("wait", 30), io.run_task("flaky", flaky, options=TaskOptions(retry=Retry(limit=3)))
            )
        )

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RETRY_WITH_TASK"
    assert reply["task"]["displayKey"] == "flaky"
    assert [record["displayKey"] for record in reply["tasks"]] == ["wait"]
    run.end_waits()
    assert (await platform.finish(app, run))["output"] == [None, "up"]
    assert run.row("flaky")["attempts"] == 3


async def test_two_failing_siblings_both_get_their_tries(app: Perdure, platform: FakePlatform) -> None:
    def fail() -> None:
        raise ConnectionError("down")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[str]:
        options = TaskOptions(retry=Retry(limit=2))
        results = await asyncio.gather(
            io.run_task("a", fail, options=options),
            io.run_task("b", fail, options=options),
            return_exceptions=True,
        )
        return [type(result).__name__ for result in results]

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == ["TaskFailed", "TaskFailed"]
    assert run.row("a")["attempts"] == run.row("b")["attempts"] == 2


async def test_gather_with_return_exceptions_cannot_collect_a_wait(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        results = await asyncio.gather(
            io.wait("wait", 5), io.run_task("t", lambda: 1), return_exceptions=True
        )
        return repr(results)

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    assert (await platform.finish(app, run))["output"] == "[None, 1]"


async def test_a_failure_in_a_task_group_cancels_a_stuck_wait_and_can_be_caught(
    app: Perdure, platform: FakePlatform
) -> None:
    failing = asyncio.Event()

    async def fail() -> None:
        await failing.wait()
        raise ValueError("no")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(io.run_task("fail", fail))
                group.create_task(io.wait("wait", 5))
                group.create_task(asyncio.to_thread(lambda: None)).add_done_callback(lambda _: failing.set())
        except* TaskFailed:
            pass
        return await io.run_task("after", lambda: "went on")

    reply = await platform.execute(app, platform.start("job"))
    assert reply == {"status": "SUCCESS", "output": "went on"}


async def test_an_error_beside_a_running_task_cancels_it(app: Perdure, platform: FakePlatform) -> None:
    ended: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def fail(io: IO) -> None:
        await io.run_task("first", lambda: 1)
        raise ValueError("the job's own error")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await asyncio.gather(io.run_task("hang", hang), fail(io))

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert reply["error"]["message"] == "the job's own error"
    assert ended == ["cancelled"]


async def test_sys_exit_ends_the_run_and_not_the_server(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        raise SystemExit(3)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert "sys.exit(3)" in reply["error"]["message"]


async def test_two_runs_at_once_do_not_mix(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: dict[str, int], io: IO) -> int:
        async def outer() -> int:
            await asyncio.sleep(0)
            return await io.run_task("inner", lambda: payload["n"])

        return await io.run_task("outer", outer)

    runs = [platform.start("job", {"n": number}) for number in range(5)]
    replies = await asyncio.gather(*(platform.execute(app, run) for run in runs))
    assert [reply["output"] for reply in replies] == list(range(5))
    assert all(run.row("inner")["parentKey"] == run.row("outer")["idempotencyKey"] for run in runs)
