"""When a claim is worth its call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from perdure.wire.http import HttpResponse
from perdure_dispatcher import executions
from perdure_dispatcher.executions import Executions
from perdure_dispatcher.settings import Settings
from perdure_dispatcher.slots import least_of
from perdure_dispatcher.wake import Wake
from perdure_engine.runs import ClaimedRun, RunOutcome
from tests.support.waiting import eventually_async


class App:
    """Answers each execution when it is told to; its results wait until the database takes them."""

    def __init__(self) -> None:
        self.answers = asyncio.Semaphore(0)
        self.database = asyncio.Event()
        self.storing = 0
        self.claimed = 0

    @property
    def endpoints(self) -> App:
        return self

    async def request(self, *_arguments: object, **_options: object) -> HttpResponse:
        await self.answers.acquire()
        return HttpResponse(200, {}, b'{"status":"SUCCESS"}')

    async def claim_runs(self, _conn: None, _name: str, limit: int, *_rest: object) -> list[ClaimedRun]:
        numbers = range(self.claimed, self.claimed + limit)
        self.claimed += limit
        return [
            ClaimedRun(str(n), 1, "app", "http://app", 60_000, [b"k"], None, None, b"{}") for n in numbers
        ]

    async def apply_results(
        self, _conn: None, results: Sequence[bytes], *, minimal: bool
    ) -> list[RunOutcome]:
        self.storing += 1
        await self.database.wait()
        return [RunOutcome(str(n), "SUCCESS") for n in range(self.claimed)]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield


def may_claim(work: Executions) -> bool:
    """Asked anew each time, which a type checker would not believe of a property."""
    return work.may_claim


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    app = App()
    monkeypatch.setattr(executions, "claim_runs", app.claim_runs)
    monkeypatch.setattr(executions, "apply_results", app.apply_results)
    return app


@pytest.mark.parametrize(("slots", "wave"), [(1, 1), (2, 1), (4, 2), (50, 25), (200, 50), (400, 100)])
async def test_a_claim_takes_a_wave_so_that_not_all_ends_at_the_same_time(
    app: App, slots: int, wave: int
) -> None:
    anything: Any = app
    work = Executions(anything, anything, Settings("x"), Wake(max_sleep_s=1), slots=slots)
    for held in range(wave, slots + 1, wave):
        assert may_claim(work)
        await work.claim()
        assert work.slots.held == held
    assert not may_claim(work), "no slot is free"
    await work.slots.cancel()


async def test_events_are_offered_a_slot_each_and_one_more(app: App) -> None:
    anything: Any = app
    work = Executions(anything, anything, Settings("x"), Wake(max_sleep_s=1), slots=400)
    assert work.lacking(150) <= 0
    assert work.begin_claim(least_of(150)) == 151
    assert work.lacking(150) == 1, "another claim is under way"
    work.end_claim(151, await app.claim_runs(None, "", 150))
    assert (work.lacking(250), work.lacking(251), work.lacking(5000)) == (0, 1, 150)
    assert work.begin_claim(least_of(5000)) == 250
    work.end_claim(250, [])
    assert work.begin_claim(least_of(1)) == 100, "a wave: an event may start many runs"
    await work.slots.cancel()


async def test_events_wait_for_a_wave_of_slots_at_most(app: App) -> None:
    """Else slots would stay empty until there are as many as the events want."""
    anything: Any = app
    work = Executions(anything, anything, Settings("x"), Wake(max_sleep_s=1), slots=100)
    app.answers = asyncio.Semaphore(100)
    app.database.set()
    while work.slots.free:
        await work.claim()
    await work.slots.wait_empty(5)  # a hundred slots became free just now
    app.answers = asyncio.Semaphore(0)
    while work.slots.free:
        await work.claim()
    waiting = [asyncio.create_task(work.wait_for_room(count)) for count in (25, 26)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [False, True]
    await asyncio.gather(*waiting)
    await work.slots.cancel()


async def test_while_results_are_handed_in_a_wave_of_slots_must_be_free(app: App) -> None:
    anything: Any = app
    work = Executions(anything, anything, Settings("x"), Wake(max_sleep_s=1), slots=4)
    for _ in range(2):
        await work.claim()
    app.answers.release()
    await eventually_async(lambda: app.storing == 1)
    assert not may_claim(work), "the result under way will free a slot in a moment"
    app.database.set()
    await eventually_async(lambda: work.slots.held == 3)
    assert may_claim(work), "three long executions must not keep the fourth slot empty"
    await work.slots.cancel()


async def test_with_a_wave_of_slots_free_nothing_is_waited_for(app: App) -> None:
    anything: Any = app
    work = Executions(anything, anything, Settings("x"), Wake(max_sleep_s=1), slots=4)
    app.answers.release()
    for claim in await app.claim_runs(None, "", 2):
        work.slots.start(work._carry_out(claim, 0.0, False), name="execution")
    await eventually_async(lambda: app.storing == 1)
    assert may_claim(work)
    await work.slots.cancel()
