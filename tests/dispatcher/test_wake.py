"""What the loop wants to look at, and when: on a clock that the test moves."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from perdure_dispatcher.wake import Wake


class Seconds:
    """A clock for the test to move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def wake(seconds: Seconds) -> Wake:
    """One that has just looked at everything and found nothing."""
    wake = Wake(max_sleep_s=15, now=seconds)
    look_at_everything(wake, next_due_ms=None)
    seconds.now += 1
    return wake


def look_at_everything(wake: Wake, *, next_due_ms: int | None) -> None:
    wake.begin()
    wake.look_at_runs()
    wake.look_at_deliveries()
    wake.look_at_due()
    wake.saw_due(next_due_ms=next_due_ms, moved=False)


def wanted(wake: Wake) -> set[str]:
    looks = {"runs": wake.runs_wanted, "deliveries": wake.deliveries_wanted, "due": wake.due_wanted}
    return {name for name, is_wanted in looks.items() if is_wanted}


def test_everything_is_wanted_at_first(seconds: Seconds) -> None:
    assert wanted(Wake(max_sleep_s=15, now=seconds)) == {"runs", "deliveries", "due"}


def test_nothing_is_wanted_after_a_look_at_everything(wake: Wake) -> None:
    assert wanted(wake) == set()


@pytest.mark.parametrize(
    ("hint", "looks"),
    [
        ("runs", {"runs"}),
        ("deliveries", {"deliveries"}),
        ("due", {"due"}),
        ("connected", set()),
        ("a word of a newer release", {"runs", "deliveries", "due"}),
    ],
)
def test_a_hint_makes_its_look_wanted(wake: Wake, hint: str, looks: set[str]) -> None:
    wake.hint(hint)
    assert wanted(wake) == looks


def test_a_hint_during_a_look_counts_for_the_next(wake: Wake) -> None:
    wake.begin()
    wake.look_at_runs()
    wake.hint("runs")
    assert wanted(wake) == {"runs"}


def test_due_things_are_looked_at_when_they_are_due_and_deliveries_with_them(
    wake: Wake, seconds: Seconds
) -> None:
    look_at_everything(wake, next_due_ms=2000)
    seconds.now += 1.9
    assert wanted(wake) == set()
    seconds.now += 0.1
    assert wanted(wake) == {"due"}
    wake.look_at_due()
    wake.saw_due(next_due_ms=None, moved=True)
    assert wanted(wake) == {"deliveries"}, "a delivery may have been what was due"


def test_many_hints_for_due_things_cost_one_look_in_each_gap(wake: Wake, seconds: Seconds) -> None:
    looks = 0
    for _ in range(100):
        wake.hint("due")
        wake.begin()
        if wake.due_wanted:
            looks += 1
            wake.look_at_due()
            wake.saw_due(next_due_ms=60_000, moved=False)
        seconds.now += 0.001
    assert looks == 2


def test_a_look_that_left_more_is_followed_by_the_next_at_once(wake: Wake) -> None:
    wake.look_at_due()
    wake.saw_due(next_due_ms=0, moved=True)
    assert wake.due_wanted


def test_due_things_that_nobody_can_move_are_looked_at_less_and_less_often(
    wake: Wake, seconds: Seconds
) -> None:
    looked_at: list[float] = []
    wake.hint("due")
    while len(looked_at) < 9:
        wake.begin()
        if wake.due_wanted:
            looked_at.append(seconds.now)
            wake.look_at_due()
            wake.saw_due(next_due_ms=0, moved=False)
        seconds.now += 0.01
    gaps = [later - earlier for earlier, later in pairwise(looked_at)]
    assert gaps == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0], abs=0.011)
    wake.look_at_due()
    wake.saw_due(next_due_ms=5, moved=False)
    seconds.now += 0.06
    assert wake.due_wanted, "nothing is stuck any more: back to the usual gap"


def test_everything_is_looked_at_again_after_the_longest_sleep_although_some_hints_come(
    wake: Wake, seconds: Seconds
) -> None:
    for _ in range(13):
        wake.hint("runs")
        wake.begin()
        wake.look_at_runs()
        assert wanted(wake) == set()
        seconds.now += 1
    seconds.now += 1
    wake.begin()
    assert wanted(wake) == {"runs", "deliveries", "due"}


async def test_sleep_ends_with_a_hint(wake: Wake) -> None:
    wake.begin()
    sleeping = asyncio.create_task(wake.sleep())
    wake.rouse()
    async with asyncio.timeout(10):
        await sleeping


async def test_sleep_does_not_miss_a_hint_that_came_before_it(wake: Wake) -> None:
    wake.begin()
    wake.rouse()
    async with asyncio.timeout(10):
        await wake.sleep()


async def test_a_free_slot_ends_the_sleep_only_when_something_may_wait_for_it(wake: Wake) -> None:
    wake.begin()
    sleeping = asyncio.create_task(wake.sleep())
    await asyncio.sleep(0)
    wake.slot_freed()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sleeping.done()
    wake.rouse()
    await sleeping
    wake.hint("runs")
    wake.begin()  # and finds no slot
    wake.slot_freed()
    async with asyncio.timeout(10):
        await wake.sleep()


async def test_a_later_sleep_may_end_earlier(seconds: Seconds, wake: Wake) -> None:
    wake.rouse()
    await wake.sleep()  # which would have lasted for 14 s
    wake.begin()
    sleeping = asyncio.create_task(wake.sleep())
    await asyncio.sleep(0)
    wake.rouse()
    await sleeping
    look_at_everything(wake, next_due_ms=60)
    async with asyncio.timeout(10):
        await wake.sleep()


async def test_sleep_ends_when_something_is_due() -> None:
    wake = Wake(max_sleep_s=3600)
    look_at_everything(wake, next_due_ms=60)
    async with asyncio.timeout(10):
        await wake.sleep()
    wake.begin()
    assert wake.due_wanted
