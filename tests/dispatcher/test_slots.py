from __future__ import annotations

import asyncio

import pytest

from perdure_dispatcher.slots import Slots


async def test_a_task_that_fails_frees_its_slot_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    freed = asyncio.Event()
    slots = Slots(2, on_free=freed.set)
    slots.start(fail(), name="execution 1")
    assert (slots.free, slots.held) == (1, 1)
    async with asyncio.timeout(10):
        await freed.wait()
    assert (slots.free, slots.held) == (2, 0)
    assert "task failed name=execution 1" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_cancel_ends_everything() -> None:
    slots = Slots(2, on_free=lambda: None)
    for name in ("one", "two"):
        slots.start(asyncio.sleep(3600), name=name)
    assert not await slots.wait_empty(0)
    async with asyncio.timeout(10):
        await slots.cancel()
    assert slots.free == 2
    assert await slots.wait_empty(0)
