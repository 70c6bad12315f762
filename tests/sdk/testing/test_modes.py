"""Replays and crashes on purpose: what is right passes, what is wrong is found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import psycopg
import pytest

from perdure import IO, STANDARD_BACKOFF, Perdure, SyncIO, TaskFailed, TaskOptions, event_trigger
from perdure.testing import CrashMattered, Platform, SyncPlatform, crash_everywhere, replay_always
from perdure_testing.traffic import KillAt
from tests.sdk.testing.jobs import Order, make_shop


@pytest.mark.perdure(replay="always")
async def test_a_replay_after_every_task_changes_nothing(perdure_platform: Platform) -> None:
    shop = make_shop()
    run = await perdure_platform.start(shop.order, Order(id="7"))
    await run.advance(days=1)
    assert run.output == "7: reserve, ship"
    assert shop.done == ["reserve", "ship"]
    assert [one.reply["status"] for one in run.executions if one.reply] == [
        "AUTO_YIELD_EXECUTION",
        "RESUME_WITH_TASK",
        "AUTO_YIELD_EXECUTION",
        "SUCCESS",
    ]


async def test_a_replay_finds_what_depends_on_chance(perdure_platform: Platform) -> None:
    app = Perdure("chance")
    numbers: Iterator[int] = iter(range(100))

    @app.job(id="chance", version="1.0.0", on=event_trigger("chance"))
    async def chance(payload: Any, io: IO) -> None:
        await io.run_task(f"number {next(numbers)}", lambda: None)
        await io.run_task("last", lambda: None)

    @replay_always
    async def scenario(platform: Platform) -> None:
        run = await platform.start(chance)
        assert run.error is not None
        assert "ReplayMismatch" in run.error

    await scenario(perdure_platform)


@pytest.mark.perdure(crash="everywhere")
async def test_the_end_is_the_same_wherever_the_app_is_killed(perdure_platform: Platform) -> None:
    shop = make_shop()
    run = await perdure_platform.start(shop.parent, Order(id="7"))
    await run.advance(days=1)
    assert run.output == "parent of 7: reserve, ship"


@pytest.mark.perdure(crash="everywhere")
async def test_a_plain_job_is_killed_with_its_thread(perdure_platform: Platform) -> None:
    shop = make_shop()
    run = await perdure_platform.start(shop.plain_order, Order(id="7"))
    await run.advance(days=1)
    assert run.output == "7: reserve, ship"


@pytest.mark.perdure(crash="everywhere", replay="always")
async def test_both_at_once(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().order, Order(id="7"))
    await run.advance(days=1)
    assert run.output == "7: reserve, ship"


@pytest.mark.perdure(crash="everywhere")
async def test_pauses_after_a_crash_are_no_part_of_the_time_that_is_skipped(
    perdure_platform: Platform,
) -> None:
    app = Perdure("hours")

    @app.job(id="hours", version="1.0.0", on=event_trigger("hours"))
    async def hours(payload: Any, io: IO) -> str:
        for hour in range(3):
            await io.wait(["hour", hour], timedelta(hours=1))
        return "three hours"

    run = await perdure_platform.start(hours)
    await run.advance(hours=2, minutes=59)
    assert not run.is_finished
    await run.advance(minutes=1)
    assert run.output == "three hours"


async def test_every_moment_has_its_turn(perdure_platform: Platform) -> None:
    killed: list[str] = []

    @crash_everywhere
    async def scenario(platform: Platform) -> None:
        run = await platform.start(make_shop().order, Order(id="7"))
        await run.advance(days=1)
        killed.append("".join("x" if one.reply is None else "." for one in run.executions))

    await scenario(perdure_platform)
    # Undisturbed twice; for each of two executions before a call, after it, before the reply; and the proof
    # that there is no further moment.
    assert killed == ["..", "..", "x..", "x..", "x..", ".x.", ".x.", ".x.", ".."]


@pytest.mark.perdure(crash="everywhere")
async def test_tasks_side_by_side_and_retries(perdure_platform: Platform) -> None:
    app = Perdure("side")
    failed: set[int] = set()

    @app.job(id="side", version="1.0.0", on=event_trigger("side"))
    async def side(payload: Any, io: IO) -> Any:
        def square(number: int) -> int:
            if number == 2 and number not in failed:
                failed.add(number)
                raise ConnectionError("once")
            return number * number

        squares = await io.map("squares", square, range(4), options=TaskOptions(retry=STANDARD_BACKOFF))
        pair = await asyncio.gather(io.run_task("a", square, 5), io.run_task("b", square, 6))
        try:
            await io.run_task("never", square, cast(int, "text"))
        except TaskFailed as failure:
            return [*squares, *pair, failure.name]

    run = await perdure_platform.start(side)
    await run.finish()
    assert run.output == [0, 1, 4, 9, 25, 36, "TypeError"]


@pytest.mark.perdure(crash="everywhere")
async def test_what_differs_by_nature_is_not_compared(perdure_platform: Platform) -> None:
    app = Perdure("nature")

    @app.job(id="nature", version="1.0.0", on=event_trigger("nature"))
    async def nature(payload: Any, io: IO) -> float:
        return await io.run_task("chance", random.random)

    assert 0 <= (await perdure_platform.start(nature)).output < 1


async def test_a_crash_that_matters_is_told(perdure_platform: Platform) -> None:
    app = Perdure("fragile")
    calls: list[int] = []

    @app.job(id="fragile", version="1.0.0", on=event_trigger("fragile"))
    async def fragile(payload: Any, io: IO) -> int:
        calls.append(1)  # not in a task, so each execution counts
        await io.run_task("work", lambda: None)
        return len(calls)

    @crash_everywhere
    async def scenario(platform: Platform) -> None:
        calls.clear()
        await platform.start(fragile)

    with pytest.raises(CrashMattered) as raised:
        await scenario(perdure_platform)
    assert (
        str(raised.value)
        .splitlines()[0]
        .startswith("the app was killed before the platform gets the call (PUT /api/v1/runs/")
    )
    assert "run 1 of job 'fragile': result is 2; without a crash it is 1" in str(raised.value)


async def test_an_assertion_that_fails_says_where_the_app_was_killed(perdure_platform: Platform) -> None:
    shop = make_shop()

    @crash_everywhere
    async def scenario(platform: Platform) -> None:
        shop.done.clear()
        run = await platform.start(shop.order, Order(id="7"))
        await run.advance(days=1)
        assert shop.done == ["reserve", "ship"]  # a task that is killed at work is done again

    with pytest.raises(AssertionError) as raised:
        await scenario(perdure_platform)
    assert raised.value.__notes__[0].startswith("The app was killed before the platform gets the call")


async def test_a_killed_job_does_not_clean_up_until_the_end(perdure_platform: Platform) -> None:
    app = Perdure("tidy")
    story: list[str] = []

    @app.job(id="tidy", version="1.0.0", on=event_trigger("tidy"))
    async def tidy(payload: Any, io: IO) -> None:
        try:
            await io.run_task("work", lambda: None)
        finally:
            story.append("cleaned up")

    perdure_platform.inject(KillAt(0))
    run = await perdure_platform.start(tidy)
    assert run.status == "SUCCESS"
    assert [one.reply is None for one in run.executions] == [True, False]
    assert story == ["cleaned up"]
    await perdure_platform.release()
    assert story == ["cleaned up", "cleaned up"]


@pytest.mark.perdure(crash="everywhere", replay="always")
def test_a_test_that_is_not_async(perdure_platform_sync: SyncPlatform) -> None:
    shop = make_shop()
    for job in (shop.plain_order, shop.order):
        run = perdure_platform_sync.start(job, Order(id="7"))
        run.advance(days=1)
        assert run.output == "7: reserve, ship"


def test_a_test_without_a_platform_is_refused() -> None:
    @crash_everywhere
    def scenario(number: int) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="must take a SyncPlatform: the fixture perdure_platform_sync"):
        scenario(1)


@pytest.mark.perdure(crash="everywhere")
async def test_somebody_is_told_wherever_the_app_is_killed(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().polite)
    await run.post("answer", {"yes": True})
    assert run.output == {"yes": True}


@pytest.mark.perdure(crash="everywhere")
def test_many_plain_tasks(perdure_platform_sync: SyncPlatform) -> None:
    app = Perdure("many")

    @app.job(id="many", version="1.0.0", on=event_trigger("many"))
    def many(payload: Any, io: SyncIO) -> int:
        def count(number: int) -> int:
            return io.run_task("within", lambda: number)

        total = sum(io.map("each", lambda number: number, range(3)))
        for number in range(2):
            total += io.run_task(["count", number], count, number)
            io.wait(["wait", number], timedelta(minutes=1))
        return total

    run = perdure_platform_sync.start(many)
    run.finish()
    assert run.output == 4


@pytest.mark.perdure(crash="everywhere", replay="always")
async def test_a_transaction_is_done_exactly_once(perdure_platform: Platform) -> None:
    app = Perdure("bank")

    async def pay(connection: psycopg.AsyncConnection[Any], amount: int) -> int:
        await connection.execute("insert into payments values (%s)", [amount])
        return amount

    @app.job(id="pay", version="1.0.0", on=event_trigger("pay"))
    async def pay_twice(payload: Any, io: IO) -> int:
        first: int = await io.transaction("first", pay, 3)
        await io.run_task("between", lambda: None)
        second: int = await io.transaction("second", pay, 4)
        return first + second

    with psycopg.connect(perdure_platform.database_url) as connection:
        connection.execute("drop table if exists payments")
        connection.execute("create table payments (amount int)")
    run = await perdure_platform.start(pay_twice)
    await run.finish()
    assert run.output == 7
    with psycopg.connect(perdure_platform.database_url) as connection:
        assert connection.execute("select amount from payments order by amount").fetchall() == [(3,), (4,)]
