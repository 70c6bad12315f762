"""Waiting for slots: only where quick runs free as many as are wanted, and never for long."""

from __future__ import annotations

import asyncio

import pytest

from perdure_dispatcher.turnover import Turnover


class Room:
    """A number of slots of which some are free."""

    def __init__(self, free: int = 0) -> None:
        self.turnover = Turnover()
        self.free = free

    def end(self, runs: int) -> None:
        self.free += runs
        for _ in range(runs):
            self.turnover.slot_freed()

    def wait_for(self, wanted: int) -> asyncio.Task[None]:
        return asyncio.create_task(self.turnover.wait_for_room(lambda: wanted - self.free))


async def turns() -> None:
    """Let what can go on do so, in far less time than a wait takes."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def busy() -> Room:
    """No slot is free, and 30 were a moment ago."""
    room = Room()
    room.end(30)
    room.free = 0
    return room


async def test_where_runs_end_quickly_slots_are_waited_for(busy: Room) -> None:
    waiting = busy.wait_for(30)
    await turns()
    busy.end(29)
    await turns()
    assert not waiting.done()
    busy.end(1)
    await turns()
    assert waiting.done()


async def test_where_runs_take_long_nobody_waits(busy: Room) -> None:
    waiting = busy.wait_for(31)
    await turns()
    assert waiting.done()


async def test_a_wait_in_vain_ends_and_is_not_tried_again(busy: Room) -> None:
    await busy.wait_for(30)
    assert busy.free == 0
    again = busy.wait_for(30)
    await turns()
    assert again.done()


async def test_room_that_comes_from_elsewhere_ends_the_wait(busy: Room) -> None:
    """Another claim was under way, and brought less than it might have."""
    waiting = busy.wait_for(30)
    await turns()
    busy.free = 30
    busy.turnover.look_again()
    await turns()
    assert waiting.done()
