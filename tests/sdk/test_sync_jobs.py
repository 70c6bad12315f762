"""Plain def jobs: the same calls of io, which return values, and run the user's code in the job's thread."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import Context, Perdure, SyncIO, TaskFailed, TaskOptions, event_trigger
from perdure.options import Retry
from perdure.threads import run_blocking
from tests.sdk.fake_platform import API_KEY, FakePlatform

ON = event_trigger("test.event")


class Order(BaseModel):
    id: int


async def test_a_plain_job_runs_like_an_async_one(app: Perdure, platform: FakePlatform) -> None:
    calls: list[int] = []

    def double(number: int) -> int:
        calls.append(number)
        return number * 2

    async def triple(number: int) -> int:
        return number * 3

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Order, io: SyncIO, ctx: Context) -> str:
        first = io.run_task("double", double, payload.id)
        io.wait("a while", timedelta(hours=1))
        second = io.run_task("triple", triple, first)
        return f"{ctx.run.id}:{second}"

    run = platform.start("job", {"id": 7})
    assert await platform.finish(app, run) == {"status": "SUCCESS", "output": f"{run.id}:42"}
    assert calls == [7]
    assert [[record["displayKey"] for record in put] for put in platform.puts()] == [["double"], ["triple"]]
    assert len(platform.replies) == 2


async def test_task_functions_run_in_the_jobs_own_thread(app: Perdure, platform: FakePlatform) -> None:
    threads: list[int] = []

    def note() -> None:
        threads.append(threading.get_ident())

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        note()
        io.run_task("outer", lambda: (note(), io.run_task("inner", note))[1])

    assert (await platform.finish(app, platform.start("job")))["status"] == "SUCCESS"
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_a_host_without_a_loop_lends_its_own_thread(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    threads: list[int] = []

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        io.run_task("note", lambda: threads.append(threading.get_ident()))

    run = platform.start("job")
    assert run_blocking(lambda: platform.finish(app, run))["status"] == "SUCCESS"
    assert threads == [threading.get_ident()]


async def test_failures_and_retries_are_the_same(app: Perdure, platform: FakePlatform) -> None:
    tries: list[int] = []

    def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("not yet")
        return "done"

    def broken() -> None:
        raise KeyError("nothing")

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> list[str]:
        result = io.run_task("flaky", flaky, options=TaskOptions(retry=Retry(limit=3)))
        try:
            io.run_task("broken", broken)
        except TaskFailed as error:
            return [result, str(error.name)]
        return []

    assert (await platform.finish(app, platform.start("job")))["output"] == ["done", "KeyError"]
    assert len(tries) == 3


async def test_except_exception_does_not_swallow_a_wait(app: Perdure, platform: FakePlatform) -> None:
    swallowed: list[BaseException] = []

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> str:
        try:
            io.wait("pause", 5)
        except Exception as error:
            swallowed.append(error)
        return "after"

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    run.end_waits()
    assert (await platform.execute(app, run))["output"] == "after"
    assert swallowed == []


async def test_map_runs_items_in_threads_side_by_side(app: Perdure, platform: FakePlatform) -> None:
    together = threading.Barrier(4, timeout=10)

    def square(number: int) -> int:
        together.wait()  # passes only when four items are at work at a time
        return number * number

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> list[int]:
        return io.map("squares", square, range(4), concurrency=4)

    assert (await platform.finish(app, platform.start("job")))["output"] == [0, 1, 4, 9]


async def test_tasks_within_the_items_of_a_map_belong_to_them(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> list[int]:
        def item(number: int) -> int:
            return io.run_task("inner", lambda: number + 1)

        return io.map("items", item, [1, 2])

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == [2, 3]
    inner = [row for row in run.rows.values() if row["displayKey"] == "inner"]
    assert {row["parentKey"] for row in inner} == {
        run.row("0")["idempotencyKey"],
        run.row("1")["idempotencyKey"],
    }


async def test_a_sync_io_in_the_event_loop_is_refused(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        async def wrong() -> None:
            io.run_task("inner", lambda: None)

        io.run_task("outer", wrong)

    reply = await platform.finish(app, platform.start("job"))
    assert reply["error"]["name"] == "RuntimeError"
    assert "make the job async def" in reply["error"]["message"]


async def test_log_lines_of_a_plain_job_travel_in_order(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        for number in range(5):
            io.logger.info(f"line {number}")
        io.run_task("task", lambda: None)

    await platform.finish(app, platform.start("job"))
    (put,) = platform.puts()
    assert [record.get("description") for record in put] == [*(f"line {n}" for n in range(5)), None]


async def test_a_thread_that_outlives_the_execution_gets_no_further(
    app: Perdure, platform: FakePlatform
) -> None:
    go_on, ended = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        def later() -> None:
            go_on.wait(10)
            try:
                io.run_task("late", lambda: None)
            except BaseException as error:
                errors.append(error)
            ended.set()

        threading.Thread(target=later, daemon=True).start()

    assert (await platform.execute(app, platform.start("job")))["status"] == "SUCCESS"
    go_on.set()
    assert ended.wait(10)
    assert [type(error).__name__ for error in errors] == ["ExecutionEnded"]
    assert platform.puts() == []


@pytest.mark.parametrize("seconds", [-1, float("nan")])
async def test_bad_arguments_are_refused_in_the_users_line(
    app: Perdure, platform: FakePlatform, seconds: float
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        io.wait("pause", seconds)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["error"]["name"] == "ValueError"
