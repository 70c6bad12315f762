"""What is hard to get right: work that is cut, threads, undoing in several executions, odd dependencies."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest

from perdure import IO, Depends, Perdure, Retry, SyncIO, TaskFailed, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


async def test_finished_items_of_a_failed_map_are_undone_though_undoing_takes_several_executions(
    app: Perdure, platform: FakePlatform
) -> None:
    log: list[str] = []
    state = {"bank": "down"}

    async def book(n: int) -> int:
        if n == 2:
            raise ValueError("full")
        log.append(f"book {n}")
        return n

    async def cancel(n: int) -> None:
        if state["bank"] == "down":
            state["bank"] = "up"
            raise ConnectionError("the bank is away")
        log.append(f"cancel {n}")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.map("trip", book, range(5), concurrency=1, options=TaskOptions(compensate=cancel))

    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert reply["error"]["message"] == "full"
    assert log == ["book 0", "book 1", "cancel 1", "cancel 0"]


async def test_a_task_within_another_cannot_be_undone_by_itself(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def outer() -> None:
            await io.run_task("inner", int, options=TaskOptions(compensate=print))

        await io.run_task("outer", outer)

    reply = await platform.finish(app, platform.start("job"))
    assert "'inner' has compensate= and is within another task" in reply["error"]["message"]


async def test_a_task_that_could_not_be_announced_is_called_later_at_most_once(
    app: Perdure, platform: FakePlatform
) -> None:
    calls: list[str] = []

    async def launch() -> str:
        calls.append("launch")
        return "off"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        return await io.run_task("launch", launch, options=TaskOptions(at_most_once=True))

    run = platform.start("job")
    platform.faults.extend(["reset"] * 20)
    reply = await platform.execute(app, run)
    assert reply["status"] == "AUTO_YIELD_EXECUTION"
    platform.faults.clear()
    reply = await platform.finish(app, run)
    assert (reply["status"], calls) == ("SUCCESS", ["launch"])


async def test_work_that_time_ends_is_not_held_up_by_a_wait(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def slow() -> None:
            await asyncio.sleep(60)

        await asyncio.gather(io.wait("hour", 3600), io.run_task("slow", slow))

    run = platform.start("job")
    reply = await platform.execute(app, run, runChunkExecutionLimit=800)
    assert reply["status"] == "AUTO_YIELD_EXECUTION"
    assert run.row("hour")["status"] == "WAITING"


async def test_a_dependency_cannot_swallow_the_jobs_failure(app: Perdure, platform: FakePlatform) -> None:
    def session() -> Iterator[str]:
        with contextlib.suppress(Exception):
            yield "session"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, *, s: Annotated[str, Depends(session)]) -> None:
        raise ValueError("no")

    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert reply["status"] == "ERROR"


async def test_a_dependency_that_fails_to_close_ends(app: Perdure, platform: FakePlatform) -> None:
    def session() -> Iterator[str]:
        yield "session"
        raise ValueError("cannot close")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, *, s: Annotated[str, Depends(session)]) -> str:
        await io.wait("w", 60)
        return s

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    reply = await platform.finish(app, run)
    assert reply["status"] == "ERROR"


async def test_many_waits_beside_work_are_opened_in_few_calls(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def slow() -> None:
            await asyncio.sleep(0.5)

        await asyncio.gather(io.run_task("slow", slow), *(io.wait(["hour", i], 3600) for i in range(50)))

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    assert len(platform.puts()) <= 4


async def test_a_plain_jobs_dependencies_are_made_in_its_thread(app: Perdure, platform: FakePlatform) -> None:
    import threading

    seen: list[int] = []

    def session() -> Iterator[str]:
        seen.append(threading.get_ident())
        yield "session"
        seen.append(threading.get_ident())

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO, *, s: Annotated[str, Depends(session)]) -> str:
        seen.append(threading.get_ident())
        io.run_task("t", lambda: seen.append(threading.get_ident()))
        return s

    await platform.finish(app, platform.start("job"))
    assert len(set(seen)) == 1


async def test_a_request_that_the_host_cancels_has_no_reply(app: Perdure, platform: FakePlatform) -> None:
    """A host that shuts down cancels what is under way: the run has not failed, it is executed again."""
    entered = asyncio.Event()

    @app.job(id="slow", version="1.0.0", on=ON)
    async def slow(payload: Any, io: IO) -> None:
        entered.set()
        await asyncio.Event().wait()

    run = platform.start("slow")
    request = asyncio.create_task(platform.execute(app, run))
    await entered.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert platform.replies == []


async def test_cancelled_tasks_leave_the_run_alive(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def slow() -> str:
            await asyncio.sleep(5)
            return "slow"

        async def quick() -> str:
            return "quick"

        try:
            async with asyncio.timeout(0.1):
                await io.run_task("slow", slow)
        except TimeoutError:
            pass
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(io.run_task("s2", slow))
                group.create_task(io.wait("w", 3600))

                async def bad() -> None:
                    await asyncio.sleep(0.1)
                    raise ValueError("x")

                group.create_task(bad())
        except* ValueError:
            pass
        return await io.run_task("quick", quick)

    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert reply == {"status": "SUCCESS", "output": "quick"}


async def test_maps_of_a_plain_job_lie_within_each_other(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> list[list[int]]:
        def inner(n: int) -> int:
            io.run_task(["t"], lambda: None)
            return n

        def item(n: int) -> list[int]:
            io.wait("w", 60)
            return io.map("inner", inner, range(n))

        return io.map("outer", item, range(4))

    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert reply["output"] == [[], [0], [0, 1], [0, 1, 2]]


async def test_a_continued_run_may_take_the_other_way_after_a_task_that_failed_first(
    app: Perdure, platform: FakePlatform
) -> None:
    state = {"up": False}

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        def ask() -> str:
            if not state["up"]:
                raise ConnectionError("down")
            return "answer"

        def crash() -> None:
            if not state["up"]:
                raise ValueError("no")

        try:
            await io.run_task("ask", ask)
        except TaskFailed:
            await io.run_task("guess", lambda: "guess")
        await io.run_task("use", crash)
        return await io.run_task("end", lambda: "end")

    run = platform.start("job")
    assert (await platform.finish(app, run))["status"] == "ERROR"
    state["up"] = True
    for key in ("ask", "use"):
        run.row(key).update(status="RUNNING", attempts=2)
        del run.row(key)["output"]
    reply = await platform.finish(app, run)
    assert reply == {"status": "SUCCESS", "output": "end"}


async def test_a_task_whose_storing_is_cancelled_is_undone(app: Perdure, platform: FakePlatform) -> None:
    log: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def pay() -> str:
            log.append("pay")
            return "paid"

        async def fails() -> None:
            while not log:
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            raise ValueError("no")

        await asyncio.gather(
            io.run_task("pay", pay, options=TaskOptions(compensate=lambda paid: log.append("refund"))),
            fails(),
        )

    def slowly(call: Any) -> None:
        if len(platform.calls) == 1:
            time.sleep(0.2)

    platform.before_answer = slowly
    reply = await platform.finish(app, platform.start("job"))
    assert reply["error"]["message"] == "no"
    assert log == ["pay", "refund"]


async def test_items_of_a_map_that_was_cut_short_are_undone(app: Perdure, platform: FakePlatform) -> None:
    log: list[Any] = []
    state = {"n": 0}

    async def cancel(n: int) -> None:
        if state["n"] < 2:
            state["n"] += 1
            raise ConnectionError("down")
        log.append(n)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def item(n: int) -> int:
            if n > 5:
                await asyncio.sleep(5)
            return n

        async def fails() -> None:
            await asyncio.sleep(0.3)
            raise ValueError("no")

        async with asyncio.TaskGroup() as group:
            group.create_task(io.run_task("fails", fails))
            group.create_task(
                io.map("m", item, range(20), concurrency=3, options=TaskOptions(compensate=cancel))
            )

    reply = await platform.finish(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert sorted(log) == [0, 1, 2, 3, 4, 5]


async def test_stop_iteration_in_a_plain_job_fails_the_task(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        io.run_task("first", lambda: next(iter([])))

    @app.job(id="job2", version="1.0.0", on=ON)
    def job2(payload: Any, io: SyncIO) -> None:
        next(iter([]))

    async with asyncio.timeout(5):
        reply = await platform.finish(app, platform.start("job"))
        assert reply["status"] == "ERROR"
        reply = await platform.finish(app, platform.start("job2"))
        assert reply["status"] == "ERROR"


async def test_log_lines_take_no_keys_of_the_jobs(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        io.logger.info("hello")
        n = await io.run_task(["log", 1], lambda: 5)
        await io.wait("w", 1)
        return n

    reply = await platform.finish(app, platform.start("job"))
    assert reply["output"] == 5


async def test_undoing_may_use_io(app: Perdure, platform: FakePlatform) -> None:
    log: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def undo(n: str) -> None:
            await io.run_task("tell", log.append, f"tell {n}")
            await io.wait("pause", 60)
            log.append(f"undo {n}")

        for key in ("a", "b"):
            await io.run_task(key, lambda key=key: key, options=TaskOptions(compensate=undo))
        raise ValueError("no")

    reply = await platform.finish(app, platform.start("job"))
    assert reply["error"]["message"] == "no"
    assert log == ["tell b", "undo b", "tell a", "undo a"]


async def test_threads_of_the_users_own_may_run_tasks(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> list[int]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda n: io.run_task(["n", n], lambda: n * 2), range(50)))

    reply = await platform.finish(app, platform.start("job"))
    assert reply["output"] == [n * 2 for n in range(50)]


async def test_maps_within_maps_tolerate_failures(app: Perdure, platform: FakePlatform) -> None:
    calls: list[Any] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[Any]:
        async def leaf(n: int) -> int:
            calls.append(n)
            if n == 3 and calls.count(3) < 2:
                raise ConnectionError("x")
            return n

        async def item(n: int) -> list[int]:
            await io.wait("w", 5)
            return await io.map("in", leaf, range(n), options=TaskOptions(retry=Retry(limit=3)))

        return await io.map("out", item, range(6), concurrency=2)

    run = platform.start("job")
    reply = await platform.finish(app, run, most=60)
    assert reply["output"] == [list(range(n)) for n in range(6)]


async def test_an_item_that_swallows_the_interrupt_gets_no_further(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        async def item(n: int) -> int:
            with contextlib.suppress(BaseException):
                await io.wait("w", 60)
            return n

        return await io.map("m", item, range(3))

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    assert run.row("m")["status"] == "RUNNING"
