"""Keys are remembered for a moment: few look-ups, and a key that was revoked stops working all the same."""

import asyncio
from dataclasses import replace

import pytest

from perdure_engine.environments import Caller
from perdure_engine.errors import DatabaseUnavailable
from perdure_server.callers import REMEMBERED_S, Callers

OWNER = Caller("environment", "SECRET", "dev", "DEVELOPMENT", "project", "organization", "id")


class Keys:
    """The keys in force, and a count of the look-ups."""

    def __init__(self) -> None:
        self.in_force: dict[str, Caller] = {}
        self.asked = 0
        self.now = 100.0
        self.is_away = False
        self.callers = Callers(self._look_up, now=lambda: self.now)

    async def _look_up(self, key: str) -> Caller | None:
        self.asked += 1
        found = self.in_force.get(key)
        await asyncio.sleep(0)
        if self.is_away:
            raise DatabaseUnavailable("away")
        return found


@pytest.fixture
def keys() -> Keys:
    keys = Keys()
    keys.in_force["tr_dev_a"] = OWNER
    return keys


async def test_many_requests_with_one_key_cost_one_look_up(keys: Keys) -> None:
    found = await asyncio.gather(*(keys.callers.find("tr_dev_a") for _ in range(50)))
    assert found == [OWNER] * 50
    keys.now += REMEMBERED_S / 2
    assert await keys.callers.find("tr_dev_a") == OWNER
    assert keys.asked == 1


async def test_a_revoked_key_is_forgotten_after_a_second(keys: Keys) -> None:
    await keys.callers.find("tr_dev_a")
    keys.in_force.clear()
    keys.now += REMEMBERED_S
    assert await keys.callers.find("tr_dev_a") is None


async def test_a_new_key_works_at_once(keys: Keys) -> None:
    assert await keys.callers.find("tr_dev_b") is None
    keys.in_force["tr_dev_b"] = OWNER
    assert await keys.callers.find("tr_dev_b") == OWNER


async def test_a_failed_look_up_is_not_remembered(keys: Keys) -> None:
    keys.is_away = True
    failed = await asyncio.gather(*(keys.callers.find("tr_dev_a") for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in failed] == [DatabaseUnavailable] * 3
    keys.is_away = False
    assert await keys.callers.find("tr_dev_a") == OWNER


async def test_a_request_that_is_cut_off_does_not_end_the_others(keys: Keys) -> None:
    cut_off = asyncio.create_task(keys.callers.find("tr_dev_a"))
    other = asyncio.create_task(keys.callers.find("tr_dev_a"))
    await asyncio.sleep(0)
    cut_off.cancel()
    assert await other == OWNER


async def test_what_is_remembered_stays_small(keys: Keys) -> None:
    for number in range(3000):
        keys.in_force[f"tr_dev_{number}"] = OWNER
        await keys.callers.find(f"tr_dev_{number}")
        keys.now += REMEMBERED_S / 100
    assert len(keys.callers._known) <= 1000


async def test_a_key_that_expires_is_not_remembered_longer_than_it_works(keys: Keys) -> None:
    keys.in_force["tr_dev_a"] = replace(OWNER, works_for_s=0.2)
    await keys.callers.find("tr_dev_a")
    keys.in_force.clear()
    keys.now += 0.19
    assert keys.callers.remembered("tr_dev_a") is not None
    keys.now += 0.02
    assert await keys.callers.find("tr_dev_a") is None
