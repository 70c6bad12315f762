"""Storing what an execution does while the API is away, slow, or does not want it any more."""

import asyncio
import time
from typing import Any

import pytest

from perdure import IO, Perdure, TaskOptions, event_trigger, frame, recorder
from tests.sdk.fake_platform import LEASE_LOST, RUN_FINISHED, FakePlatform, execute_request, post

ON = event_trigger("test.event")
DOWN = (503, {"error": "down"})


def declare(app: Perdure) -> list[str]:
    """A job of two tasks; returns the names of the functions that were called."""
    calls: list[str] = []

    def work(name: str) -> str:
        calls.append(name)
        return name

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        first = await io.run_task("a", work, "a")
        try:
            second = await io.run_task("b", work, "b")
        except Exception:
            second = "swallowed"
        return first + second

    return calls


def call_arrived(platform: FakePlatform) -> asyncio.Event:
    """Set when the platform has a call, before it answers."""
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    platform.before_answer = lambda call: loop.call_soon_threadsafe(arrived.set)
    return arrived


@pytest.mark.parametrize(
    "fault",
    [DOWN, "reset", "html", (500, "<html>oops</html>"), (429, {"error": "slow down"}), (200, {"tasks": []})],
)
async def test_a_call_that_failed_is_repeated(app: Perdure, platform: FakePlatform, fault: Any) -> None:
    calls = declare(app)
    platform.faults.append(fault)
    reply = await platform.execute(app, platform.start("job"))
    assert reply == {"status": "SUCCESS", "output": "ab"}
    assert calls == ["a", "b"]
    assert len(platform.puts()) == 3


async def test_a_finished_task_that_cannot_be_stored_travels_in_the_reply(
    app: Perdure, platform: FakePlatform
) -> None:
    calls = declare(app)
    platform.faults.extend([DOWN] * 50)
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "AUTO_YIELD_EXECUTION"
    assert reply["location"] == "failed_task_run"
    assert [(record["displayKey"], record["status"], record["output"]) for record in reply["tasks"]] == [
        ("a", "COMPLETED", "a")
    ]
    platform.faults.clear()
    assert (await platform.finish(app, run))["output"] == "ab"
    assert calls == ["a", "b"]


async def test_a_call_that_hangs_does_not_outlast_the_patience(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    platform.faults.append("hang")
    reply = await asyncio.wait_for(platform.execute(app, platform.start("job")), 5)
    assert reply["location"] == "failed_task_run"
    assert [record["displayKey"] for record in reply["tasks"]] == ["a"]


async def test_a_parent_that_cannot_be_written_fails_the_run_and_hangs_nothing(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def parent() -> None:
            await io.run_task("child", int)

        await io.run_task("parent", parent, options=TaskOptions(name="bad \ud800"))

    reply = await asyncio.wait_for(platform.execute(app, platform.start("job")), 5)
    assert reply["status"] == "ERROR"


async def test_gathered_results_are_all_kept_when_the_api_is_away(
    app: Perdure, platform: FakePlatform
) -> None:
    calls: list[int] = []

    async def work(number: int) -> int:
        await asyncio.sleep(number / 1000)
        calls.append(number)
        return number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        return sum(await asyncio.gather(*(io.run_task(["n", n], work, n) for n in range(5))))

    platform.faults.extend([DOWN] * 50)
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert sorted(record["output"] for record in reply["tasks"]) == [0, 1, 2, 3, 4]
    platform.faults.clear()
    assert (await platform.finish(app, run))["output"] == 10
    assert sorted(calls) == [0, 1, 2, 3, 4]


async def test_a_failed_task_that_cannot_be_stored_is_not_lost_either(
    app: Perdure, platform: FakePlatform
) -> None:
    calls: list[str] = []

    def fail() -> None:
        calls.append("called")
        raise ValueError("no")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("fail", fail)

    platform.faults.extend([DOWN] * 50)
    run = platform.start("job")
    assert (await platform.execute(app, run))["tasks"][0]["status"] == "ERRORED"
    platform.faults.clear()
    assert (await platform.finish(app, run))["error"]["name"] == "ValueError"
    assert calls == ["called"]


@pytest.mark.parametrize(
    "answer", [LEASE_LOST, RUN_FINISHED, (404, {"error": "unknown run", "code": "JQ001"})]
)
async def test_an_execution_that_is_not_wanted_any_more_ends_at_once(
    app: Perdure, platform: FakePlatform, answer: Any
) -> None:
    calls = declare(app)
    platform.faults.append(answer)
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "CANCELED"
    assert calls == ["a"]
    assert len(platform.calls) == 1


async def test_a_late_execution_with_an_old_lease_stores_nothing(
    app: Perdure, platform: FakePlatform
) -> None:
    declare(app)
    run = platform.start("job")
    reply = await platform.execute(app, run, perdure={"leaseNumber": 0})
    assert reply["status"] == "CANCELED"
    assert run.rows == {}


async def test_a_lost_lease_cancels_the_tasks_at_work(app: Perdure, platform: FakePlatform) -> None:
    ended: list[str] = []
    started = asyncio.Event()

    async def long() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except Exception:
            ended.append("swallowed")
        finally:
            ended.append("cleaned up")

    async def quick() -> None:
        await started.wait()

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await asyncio.gather(io.run_task("long", long), io.run_task("quick", quick))

    platform.faults.append(LEASE_LOST)
    assert (await platform.execute(app, platform.start("job")))["status"] == "CANCELED"
    assert ended == ["cleaned up"]


async def test_a_long_task_that_lost_its_lease_is_stopped_by_its_own_announcement(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "ANNOUNCE_AFTER_S", 0.0)
    went_on: list[str] = []

    async def long() -> None:
        await asyncio.Event().wait()

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def outer() -> None:
            await io.run_task("long", long)

        await io.run_task("outer", outer)
        went_on.append("after")

    platform.faults.extend([LEASE_LOST, LEASE_LOST])
    assert (await platform.execute(app, platform.start("job")))["status"] == "CANCELED"
    assert went_on == []


async def test_a_long_task_is_announced_in_the_background(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "ANNOUNCE_AFTER_S", 0.0)
    announced = call_arrived(platform)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def outer() -> str:
            return await io.run_task("inner", announced_then)

        async def announced_then() -> str:
            await announced.wait()
            return "done"

        return await io.run_task("outer", outer)

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["output"] == "done"
    states = [[(record["displayKey"], record["status"]) for record in put] for put in platform.puts()]
    assert ("outer", "RUNNING") in states[0]
    assert ("inner", "COMPLETED") in [state for put in states for state in put]
    assert run.row("outer")["status"] == run.row("inner")["status"] == "COMPLETED"


async def test_a_quick_task_is_not_announced(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    await platform.execute(app, platform.start("job"))
    assert [len(put) for put in platform.puts()] == [1, 1]


async def test_announcing_delays_nothing_and_its_failure_is_ignored(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "ANNOUNCE_AFTER_S", 0.0)
    announcing = call_arrived(platform)
    platform.faults.append("hang")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def work() -> str:
            await announcing.wait()
            return "done"

        return await io.run_task("work", work)

    reply = await platform.execute(app, platform.start("job"))
    assert reply == {"status": "SUCCESS", "output": "done"}


@pytest.mark.parametrize(
    "answer",
    [(400, {"error": "tasks.0.name: too long", "code": "INVALID_BODY"}), (401, {"error": "revoked key"})],
)
async def test_a_refusal_for_good_fails_the_run_and_cannot_be_swallowed(
    app: Perdure, platform: FakePlatform, answer: tuple[int, Any]
) -> None:
    declare(app)
    platform.faults.append(answer)
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert answer[1]["error"] in reply["error"]["message"]
    assert reply.get("tasks") is None


async def test_records_that_gather_during_a_call_go_together(app: Perdure, platform: FakePlatform) -> None:
    first_arrived, rest_finished = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    done: list[int] = []

    def hold(call: Any) -> None:
        if len(platform.puts()) == 1:
            loop.call_soon_threadsafe(first_arrived.set)
            asyncio.run_coroutine_threadsafe(rest_finished.wait(), loop).result(timeout=10)

    platform.before_answer = hold

    async def work(number: int) -> int:
        if number > 0:
            await first_arrived.wait()
            done.append(number)
            if len(done) == 5:
                rest_finished.set()
        return number

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        return sum(await asyncio.gather(*(io.run_task(["n", n], work, n) for n in range(6))))

    assert (await platform.execute(app, platform.start("job")))["output"] == 15
    assert [len(put) for put in platform.puts()] == [1, 5]


async def test_large_results_are_split_over_several_calls(app: Perdure, platform: FakePlatform) -> None:
    app.api.patience_s = 20  # large calls take their time on a busy machine

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        texts = await asyncio.gather(*(io.run_task(["n", n], lambda: "x" * 900_000) for n in range(5)))
        return sum(len(text) for text in texts)

    assert (await platform.execute(app, platform.start("job")))["output"] == 4_500_000
    assert sorted(len(put) for put in platform.puts()) == [2, 3]


async def test_the_rest_of_the_tasks_out_of_reach_yields_without_calling_the_job(
    app: Perdure, platform: FakePlatform
) -> None:
    calls = declare(app)
    platform.faults.extend([DOWN] * 50)
    reply = await platform.execute(app, platform.start("job"), cachedTaskCursor="c1")
    assert (reply["status"], reply["location"]) == ("AUTO_YIELD_EXECUTION", "cached_tasks")
    assert calls == []


async def test_no_task_is_started_when_the_hosts_limit_is_near(app: Perdure, platform: FakePlatform) -> None:
    calls = declare(app)
    run = platform.start("job")
    reply = await platform.execute(app, run, runChunkExecutionLimit=499)
    assert (reply["status"], reply["location"], reply["limit"]) == ("AUTO_YIELD_EXECUTION", "start_task", 499)
    assert 0 < reply["timeRemaining"] < 499
    assert calls == []
    assert (await platform.execute(app, run, runChunkExecutionLimit=60_000))["status"] == "SUCCESS"


async def test_a_missing_api_address_fails_the_run_with_a_clear_error(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.sdk.fake_platform import API_KEY

    monkeypatch.delenv("PERDURE_API_URL", raising=False)
    app = Perdure("acme", api_key=API_KEY)
    declare(app)
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert "PERDURE_API_URL is not set" in reply["error"]["message"]


async def test_the_largest_result_fits_into_a_call_of_the_api(app: Perdure, platform: FakePlatform) -> None:
    """The record that is just not refused, its log lines and the call around it: the API takes 3 MiB."""
    app.api.patience_s = 20  # large calls take their time on a busy machine

    @app.job(id="job", version="1.0.0", on=event_trigger("test.event"))
    async def job(payload: Any, io: IO) -> int:
        io.logger.info("before", data="x" * 100_000)
        return len(await io.run_task("large", lambda: "x" * (frame.MAX_RECORD_BYTES - 500)))

    assert (await platform.execute(app, platform.start("job")))["status"] == "SUCCESS"
    sizes = [int(call.headers["content-length"]) for call in platform.calls]
    assert max(sizes) <= 3 * 1024 * 1024


async def test_a_limit_of_the_api_that_lasts_is_told_with_its_end(
    app: Perdure, platform: FakePlatform
) -> None:
    calls = declare(app)
    reset = int((time.time() + 3600) * 1000)
    platform.faults.extend([(429, {"error": "too many requests"})] * 50)
    platform.fault_headers = {"x-ratelimit-reset": str(reset)}
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["reset"]) == ("AUTO_YIELD_RATE_LIMIT", reset)
    platform.faults.clear()
    assert (await platform.execute(app, run))["status"] == "SUCCESS"
    assert len(calls) == len(set(calls))


async def test_a_result_whose_call_is_cancelled_travels_with_the_next(
    app: Perdure, platform: FakePlatform
) -> None:
    app.api.patience_s = 20
    arrived = call_arrived(platform)
    platform.faults.append("hang")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        first = asyncio.create_task(io.run_task("a", lambda: "a"))
        await arrived.wait()
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        return await io.run_task("b", lambda: "b")

    run = platform.start("job")
    assert (await platform.execute(app, run))["output"] == "b"
    assert [[record["displayKey"] for record in put] for put in platform.puts()] == [["a"], ["a", "b"]]
    assert run.row("a")["output"] == "a"


async def test_a_call_for_log_lines_that_hangs_leaves_time_for_the_rest(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "RIDE_ALONG_S", 0.0)
    app.api.patience_s = 20
    arrived = call_arrived(platform)
    platform.faults.append("hang")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        io.logger.info("a line")
        await arrived.wait()
        return await io.run_task("a", lambda: "a")

    run = platform.start("job")
    run.lease_number += 1
    request = execute_request(platform.body(run, runChunkExecutionLimit=2500))
    request.headers["x-perdure-version"] = "2"  # this one does not know calls for many runs
    reply = (await asyncio.wait_for(post(app, request), 2.5)).json()
    assert (reply["status"], reply["output"]) == ("SUCCESS", "a")
    assert run.row("a")["output"] == "a"
