"""Steps of runs that execute side by side go together; each run keeps its own answer, patience and end."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from perdure import IO, ApiError, Perdure, event_trigger, task_calls
from perdure.client import StoredTask
from perdure.task_calls import TaskCalls
from perdure.transport import CALL_TIMEOUT_S as FULL_S
from tests.sdk.fake_platform import API_KEY, ApiCall, FakePlatform, FakeRun, execute_request, post
from tests.support.waiting import eventually_async

ON = event_trigger("test.event")
DOWN = (503, {"error": "down"})


@pytest.fixture
async def app(platform: FakePlatform) -> AsyncIterator[Perdure]:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY, patience_s=20)
    yield app
    await app.close()


def declare(app: Perdure) -> Counter[tuple[str, int]]:
    """A job of some steps; returns how often each function was called."""
    called: Counter[tuple[str, int]] = Counter()

    def work(name: str, number: int) -> str:
        called[name, number] += 1
        return f"{name} {number}"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[str]:
        name = payload["name"]
        return [await io.run_task(["n", n], work, name, n) for n in range(payload["steps"])]

    return called


def start(platform: FakePlatform, count: int, *, steps: int) -> list[FakeRun]:
    return [platform.start("job", {"name": f"run {n}", "steps": steps}) for n in range(count)]


def success(run: FakeRun) -> dict[str, Any]:
    name, steps = run.payload["name"], run.payload["steps"]
    return {"status": "SUCCESS", "output": [f"{name} {n}" for n in range(steps)]}


async def execute(app: Perdure, platform: FakePlatform, runs: list[FakeRun]) -> list[Any]:
    return await asyncio.gather(*(platform.execute(app, run) for run in runs))


def shared(platform: FakePlatform) -> list[list[dict[str, Any]]]:
    """The lines of each call for many runs."""
    return [call.body for call in platform.calls if call.path == "/api/v1/tasks"]


def calls_here(app: Perdure) -> TaskCalls:
    return app.api.shared_calls[asyncio.get_running_loop()]


@asynccontextmanager
async def held(app: Perdure, platform: FakePlatform, *, until: Callable[[], object]) -> AsyncIterator[None]:
    """Let the platform answer nothing until then."""
    let_go = threading.Event()
    before, platform.before_answer = platform.before_answer, lambda call: let_go.wait(10)
    try:
        yield
        await eventually_async(until, what="what is to come meanwhile")
    finally:
        platform.before_answer = before
        let_go.set()


def waits(app: Perdure, count: int) -> Callable[[], bool]:
    """Whether so many lines wait."""
    return lambda: len(calls_here(app)._lines) == count


def under_way(app: Perdure) -> int:
    """Calls that are not back."""
    return calls_here(app)._under_way if app.api.shared_calls else 0


async def execute_held(
    app: Perdure, platform: FakePlatform, runs: list[FakeRun], *, waiting: int
) -> list[Any]:
    """Execute with the calls of the first two held until the others wait."""
    async with held(app, platform, until=lambda: waits(app, waiting)()):
        executions = await begin(app, platform, runs)
    return await asyncio.gather(*executions)


async def begin(app: Perdure, platform: FakePlatform, runs: list[FakeRun]) -> list[asyncio.Task[Any]]:
    """Execute, so that the first two have made a call each before the others come."""
    executions: list[asyncio.Task[Any]] = []
    for run in runs[:2]:
        executions.append(asyncio.create_task(platform.execute(app, run)))
        await eventually_async(lambda: under_way(app) == len(executions), what="a call")
    return executions + [asyncio.create_task(platform.execute(app, run)) for run in runs[2:]]


async def test_a_lone_run_calls_for_itself(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    (run,) = start(platform, 1, steps=5)
    assert await execute(app, platform, [run]) == [success(run)]
    assert [call.path for call in platform.calls] == [f"/api/v1/runs/{run.id}/tasks"] * 5


async def test_what_comes_during_two_calls_goes_together(app: Perdure, platform: FakePlatform) -> None:
    called = declare(app)
    runs = start(platform, 20, steps=1)
    assert await execute_held(app, platform, runs, waiting=18) == [success(run) for run in runs]
    sizes = [len(lines) for lines in shared(platform)]
    # In halves: 8 are left for the second call, or fewer and fewer go when the ten are back before it.
    assert (sizes[0], sum(sizes)) == (10, 18)
    assert len(sizes) <= 4
    assert len(platform.calls) == 2 + len(sizes)
    assert set(called.values()) == {1}


async def test_many_steps_of_many_runs_take_few_calls(app: Perdure, platform: FakePlatform) -> None:
    called = declare(app)
    runs = start(platform, 20, steps=10)
    assert await execute(app, platform, runs) == [success(run) for run in runs]
    assert len(platform.calls) < 100
    assert len(called) == 200
    assert set(called.values()) == {1}


async def test_what_waits_alone_goes_alone(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    runs = start(platform, 3, steps=1)
    assert await execute_held(app, platform, runs, waiting=1) == [success(run) for run in runs]
    assert shared(platform) == []


async def test_a_call_takes_no_more_runs_and_bytes_than_it_may(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_calls, "_MAX_RUNS", 4)
    monkeypatch.setattr(task_calls, "_MAX_BYTES", 20_000)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        return len(await io.run_task("text", lambda: "x" * payload))

    lengths = [1, 1, *[1] * 6, 12_000, 12_000, 30_000, 30_000]
    runs = [platform.start("job", length) for length in lengths]
    told = await execute_held(app, platform, runs, waiting=10)
    assert [reply["output"] for reply in told] == lengths
    assert sorted(len(lines) for lines in shared(platform)) == [
        3,
        4,
    ]  # the second of two large ones is alone
    assert len(platform.calls) == 2 + 2 + 3


async def test_a_lost_lease_ends_its_own_run_only(app: Perdure, platform: FakePlatform) -> None:
    called = declare(app)
    runs = start(platform, 20, steps=3)

    def lose(call: ApiCall) -> None:
        if isinstance(call.body, list) and len(shared(platform)) == 1:
            platform.runs[call.body[0]["runId"]].lease_number += 1
            lost.append(call.body[0]["runId"])

    lost: list[str] = []
    platform.before_answer = lose
    told = await execute_held(app, platform, runs, waiting=18)
    for run, reply in zip(runs, told, strict=True):
        assert reply == ({"status": "CANCELED"} if run.id in lost else success(run))
    assert len(lost) == 1
    (ended,) = (run for run in runs if run.id in lost)
    assert ended.rows == {}
    assert called[ended.payload["name"], 1] == 0


@pytest.mark.parametrize("fault", [DOWN, "reset", "html", (429, {"error": "slow down"}), (200, [])])
async def test_a_call_that_failed_as_a_whole_is_repeated_by_each_run(
    app: Perdure, platform: FakePlatform, fault: Any
) -> None:
    called = declare(app)
    runs = start(platform, 10, steps=2)

    def fail(call: ApiCall) -> None:
        if isinstance(call.body, list) and len(shared(platform)) == 1:
            platform.faults.append(fault)

    platform.before_answer = fail
    told = await execute_held(app, platform, runs, waiting=8)
    assert told == [success(run) for run in runs]
    assert set(called.values()) == {1}
    assert app.api.knows_many


async def test_a_limit_of_the_api_is_told_to_each_run(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    runs = start(platform, 6, steps=1)
    reset = int((time.time() + 3600) * 1000)
    platform.fault_headers = {"x-ratelimit-reset": str(reset)}

    def refuse(call: ApiCall) -> None:
        if isinstance(call.body, list):
            platform.faults.append((429, {"error": "too many requests"}))

    platform.before_answer = refuse
    told = await execute_held(app, platform, runs, waiting=4)
    limited = [(reply["status"], reply.get("reset")) for reply in told]
    assert Counter(limited) == {("SUCCESS", None): 3, ("AUTO_YIELD_RATE_LIMIT", reset): 3}


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_that_does_not_know_the_call_gets_single_ones(
    app: Perdure, platform: FakePlatform, status: int
) -> None:
    called = declare(app)
    platform.knows_many = False
    runs = start(platform, 20, steps=5)

    def refuse(call: ApiCall) -> None:
        if isinstance(call.body, list):
            platform.faults.append((status, {"error": "no such route", "code": "NOT_FOUND"}))

    platform.before_answer = refuse
    told = await execute_held(app, platform, runs, waiting=18)
    assert told == [success(run) for run in runs]
    assert set(called.values()) == {1}
    before = len(shared(platform))  # what waited already when the first one was refused
    assert before <= 4
    again = start(platform, 10, steps=3)
    assert await execute(app, platform, again) == [success(run) for run in again]
    assert len(shared(platform)) == before


async def test_a_refusal_of_the_whole_call_is_no_runs_fault(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    runs = start(platform, 10, steps=1)

    def refuse(call: ApiCall) -> None:
        if isinstance(call.body, list):
            platform.faults.append((413, "<html>Too large for this proxy</html>"))

    platform.before_answer = refuse
    assert await execute_held(app, platform, runs, waiting=8) == [success(run) for run in runs]
    assert app.api.knows_many


async def test_a_line_that_cannot_be_read_concerns_its_run_only(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(app)
    runs = start(platform, 6, steps=1)
    answers: list[Any] = ["<html>", {"status": 503, "error": "down", "code": "X"}, {"tasks": []}]
    store = platform._store

    def break_some(run_id: str, body: dict[str, Any], call: ApiCall) -> tuple[int, Any]:
        return (200, answers.pop()) if answers and "runId" in body else store(run_id, body, call)

    monkeypatch.setattr(platform, "_store", break_some)
    assert await execute_held(app, platform, runs, waiting=4) == [success(run) for run in runs]
    assert answers == []
    assert len(platform.calls) > 3


async def test_a_run_with_little_time_left_waits_for_nobody(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    runs = start(platform, 5, steps=1)
    platform.faults += ["hang", "hang"]
    executions = await begin(app, platform, runs[:4])
    await eventually_async(waits(app, 2), what="two that wait")
    assert await platform.execute(app, runs[4], runChunkExecutionLimit=10_000) == success(runs[4])
    assert waits(app, 2)()
    for one in executions:
        one.cancel()
    await asyncio.gather(*executions, return_exceptions=True)
    await eventually_async(lambda: calls_here(app)._under_way == 0, what="the end of what they left")


async def test_what_waits_for_calls_that_hang_is_over_in_its_own_time(
    app: Perdure, platform: FakePlatform
) -> None:
    runs = start(platform, 7, steps=1)
    calls = TaskCalls.shared(app.api, asyncio.get_running_loop())
    platform.before_answer = lambda call: platform.faults.append("hang")
    begun = time.monotonic()
    told = await asyncio.gather(
        *(calls.store(run.id, 0, RECORD, 0.5) for run in runs), return_exceptions=True
    )
    assert time.monotonic() - begun < 1.5
    assert [type(one) for one in told] == [ApiError] * 7
    platform.before_answer = lambda call: None
    assert await calls.store(runs[0].id, 0, RECORD, FULL_S) is None  # as its record says


RECORD = b'{"idempotencyKey":"%b","name":"n","status":"COMPLETED"}' % (b"a" * 64)


async def store_held(
    app: Perdure, platform: FakePlatform, runs: list[FakeRun], *, cancelled: Sequence[int]
) -> list[StoredTask | BaseException | None]:
    """Store a task of each run, of the first two at once; cancel some of the others while they wait."""
    calls = TaskCalls.shared(app.api, asyncio.get_running_loop())
    stored: list[asyncio.Future[StoredTask | None]] = []
    async with held(app, platform, until=lambda: all(stored[n].done() for n in cancelled)):
        for run in runs[:2]:
            stored.append(calls.store(run.id, 0, RECORD, FULL_S))
            await asyncio.sleep(0)
            assert (under_way(app), len(calls._lines)) == (len(stored), 0)
        stored += [calls.store(run.id, 0, RECORD, FULL_S) for run in runs[2:]]
        await asyncio.sleep(0)
        assert waits(app, len(runs) - 2)()
        for n in cancelled:
            stored[n].cancel()
    return await asyncio.gather(*stored, return_exceptions=True)


async def test_who_is_cancelled_takes_back_what_was_not_sent(app: Perdure, platform: FakePlatform) -> None:
    runs = start(platform, 6, steps=1)
    told = await store_held(app, platform, runs, cancelled=[3])
    assert [isinstance(one, asyncio.CancelledError) for one in told] == [n == 3 for n in range(6)]
    assert [[line["runId"] for line in lines] for lines in shared(platform)] == [
        [runs[n].id for n in (2, 4, 5)]
    ]
    assert [len(run.rows) for run in runs] == [1, 1, 1, 0, 1, 1]


async def test_nothing_is_left_of_lines_that_are_all_cancelled(app: Perdure, platform: FakePlatform) -> None:
    runs = start(platform, 5, steps=1)
    await store_held(app, platform, runs, cancelled=[2, 3, 4])
    calls = calls_here(app)
    await eventually_async(lambda: not calls._tasks, what="the end of the calls")
    assert len(platform.calls) == 2
    assert (calls._under_way, calls._together, len(calls._lines), calls._open) == (0, 0, 0, {})
    assert await calls.store(runs[2].id, 0, RECORD, FULL_S) is None


async def calls_of_a_lone_run(app: Perdure, run: FakeRun) -> TaskCalls:
    """Calls of which the last one was for one run."""
    calls = TaskCalls.shared(app.api, asyncio.get_running_loop())
    await calls.store_lone(run.id, 0, RECORD, FULL_S)
    await eventually_async(lambda: calls._under_way == 0, what="its end")
    return calls


async def test_a_step_that_its_job_waits_for_goes_at_once(app: Perdure, platform: FakePlatform) -> None:
    (run,) = start(platform, 1, steps=1)
    calls = await calls_of_a_lone_run(app, run)
    async with held(app, platform, until=lambda: True):
        storing = asyncio.ensure_future(calls.store_lone(run.id, 0, RECORD, FULL_S))
        await asyncio.sleep(0)
        assert (under_way(app), calls._tasks) == (1, set())
    stored = await storing
    assert stored is not None  # told in full: it was there already
    assert stored.status == "COMPLETED"
    assert (calls._under_way, calls._together) == (0, 0)


async def test_a_lone_step_that_is_cancelled_makes_way(app: Perdure, platform: FakePlatform) -> None:
    runs = start(platform, 3, steps=1)
    calls = await calls_of_a_lone_run(app, runs[0])
    platform.faults += ["hang", "hang"]
    lone = asyncio.ensure_future(calls.store_lone(runs[0].id, 0, RECORD, FULL_S))
    await asyncio.sleep(0)
    hung = calls.store(runs[1].id, 0, RECORD, FULL_S)
    await eventually_async(lambda: not platform.faults, what="two calls that hang")
    third = calls.store(runs[2].id, 0, RECORD, FULL_S)
    await asyncio.sleep(0)
    assert waits(app, 1)()
    lone.cancel()
    assert await third is None
    assert (calls._under_way, calls._together) == (1, 1)
    hung.cancel()
    calls.close()
    assert len(runs[2].rows) == 1


async def test_steps_of_runs_that_stored_together_still_do(app: Perdure, platform: FakePlatform) -> None:
    runs = start(platform, 2, steps=1)
    calls = TaskCalls.shared(app.api, asyncio.get_running_loop())
    await asyncio.gather(*(calls.store(run.id, 0, RECORD, FULL_S) for run in runs))
    await eventually_async(lambda: calls._under_way == 0, what="its end")
    await asyncio.gather(*(calls.store_lone(run.id, 0, RECORD, FULL_S) for run in runs))
    assert [len(lines) for lines in shared(platform)] == [2, 2]
    assert len(platform.calls) == 2


@pytest.mark.parametrize("answer", ["html", (200, {"tasks": []}), DOWN])
async def test_a_lone_step_is_stored_again_after_a_strange_answer(
    app: Perdure, platform: FakePlatform, answer: Any
) -> None:
    called = declare(app)
    (run,) = start(platform, 1, steps=2)
    platform.faults.append(answer)
    assert await execute(app, platform, [run]) == [success(run)]
    assert len(platform.calls) == 3
    assert set(called.values()) == {1}


async def test_steps_side_by_side_in_a_run_still_go_together(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        first = await io.run_task("first", lambda: 1)
        return first + sum(await asyncio.gather(*(io.run_task(["n", n], lambda: 1) for n in range(9))))

    reply = await platform.execute(app, platform.start("job"))
    assert reply["output"] == 10
    assert [len(put) for put in platform.puts()] == [1, 9]


async def test_each_event_loop_has_calls_of_its_own(app: Perdure, platform: FakePlatform) -> None:
    called = declare(app)
    groups = [start(platform, 10, steps=5) for _ in range(2)]
    both = threading.Barrier(2)

    async def in_loop(runs: list[FakeRun]) -> list[Any]:
        try:
            return await execute(app, platform, runs)
        finally:
            await app.close()

    def in_thread(runs: list[FakeRun]) -> list[Any]:
        both.wait(10)
        return asyncio.run(in_loop(runs))

    told = await asyncio.gather(*(asyncio.to_thread(in_thread, runs) for runs in groups))
    for runs, replies in zip(groups, told, strict=True):
        assert replies == [success(run) for run in runs]
        assert len(runs) == 10
    assert set(called.values()) <= {2}  # both groups have runs of the same names
    assert shared(platform)
    (late,) = start(platform, 1, steps=1)
    assert await execute(app, platform, [late]) == [success(late)]
    gc.collect()
    assert list(app.api.shared_calls) == [asyncio.get_running_loop()]  # the others are forgotten


async def test_an_older_platform_gets_single_calls(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    runs = start(platform, 10, steps=3)

    async def execute_old(run: FakeRun) -> Any:
        run.lease_number += 1
        request = execute_request(platform.body(run))
        request.headers["x-perdure-version"] = "2"
        return (await post(app, request)).json()

    assert await asyncio.gather(*map(execute_old, runs)) == [success(run) for run in runs]
    assert len(platform.calls) == 30
    assert app.api.shared_calls == {}


@pytest.mark.parametrize("knows_minimal", [False, True])
async def test_an_answer_may_leave_out_what_was_told(
    app: Perdure, platform: FakePlatform, knows_minimal: bool
) -> None:
    platform.knows_minimal = knows_minimal
    declare(app)
    many, (lone,) = start(platform, 10, steps=3), start(platform, 1, steps=3)
    for runs in (many, [lone]):
        assert await execute(app, platform, runs) == [success(run) for run in runs]
    assert all(call.headers["prefer"] == "return=minimal" for call in platform.calls)


async def test_a_transport_that_wants_each_call_gets_each(app: Perdure, platform: FakePlatform) -> None:
    declare(app)
    app.api.http.wants_single_calls = True  # type: ignore[attr-defined]
    runs = start(platform, 10, steps=3)
    assert await execute(app, platform, runs) == [success(run) for run in runs]
    assert len(platform.calls) == 30


async def test_an_error_that_is_shared_is_each_callers_own(app: Perdure, platform: FakePlatform) -> None:
    platform.runs = {}
    calls = TaskCalls.shared(app.api, asyncio.get_running_loop())
    platform.before_answer = lambda call: platform.faults.append(DOWN)
    errors = await asyncio.gather(
        *(calls.store(f"run {n}", 1, RECORD, FULL_S) for n in range(6)), return_exceptions=True
    )
    assert [(type(error), error.status) for error in errors if isinstance(error, ApiError)] == [
        (ApiError, 503)
    ] * 6
    assert len({id(error) for error in errors}) == 6
