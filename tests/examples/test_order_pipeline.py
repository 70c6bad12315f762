"""The order pipeline: shipped, approved, or undone; whatever is killed when, each thing is done once."""

from __future__ import annotations

from typing import Any

import pytest

from examples.order_pipeline import app as example
from examples.order_pipeline.shop import Order, Shop
from perdure.testing import Platform

LARGE = Order(id="o2", item="sofa", quantity=1, price=129_900)


@pytest.fixture
def shop() -> Any:
    """Another shop for each time that the scenario is run; use it by calling it."""

    def renew() -> Shop:
        shop = Shop()
        example.app.dependency_overrides[example.get_shop] = lambda: shop
        return shop

    yield renew
    example.app.dependency_overrides.clear()


@pytest.mark.perdure(crash="everywhere")
async def test_a_small_order_is_shipped(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    run = await perdure_platform.start(example.fulfil, Order(id="o1", item="lamp", quantity=2, price=4_900))
    await run.finish()
    assert run.output == "track-o1"
    assert (services.stock["lamp"], services.balance, services.parcels) == (8, 4_900, ["o1"])


@pytest.mark.perdure(crash="everywhere")
async def test_a_large_order_waits_for_a_manager(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    run = await perdure_platform.start(example.fulfil, LARGE)
    await run.advance(hours=30)
    assert services.parcels == []
    await run.post("approval", {"approved": True, "by": "Ann"})
    await run.finish()
    assert run.output == "track-o2"
    assert services.questions["o2"].startswith("http")


@pytest.mark.perdure(crash="everywhere")
async def test_a_declined_order_is_undone(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    run = await perdure_platform.start(example.fulfil, LARGE)
    await run.advance(minutes=5)
    await run.post("approval", {"approved": False, "by": "Ann"})
    await run.finish()
    assert (run.status, run.error) == ("FAILURE", "NonRetryableError: Ann declined order o2")
    assert (services.stock["sofa"], services.balance, services.parcels) == (2, 0, [])


async def test_an_order_nobody_decides_about_is_undone(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    run = await perdure_platform.start(example.fulfil, LARGE)
    await run.advance(days=3)
    assert run.status == "FAILURE"
    assert (services.stock["sofa"], services.balance) == (2, 0)


async def test_goods_that_are_not_there_are_not_charged(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    run = await perdure_platform.start(example.fulfil, Order(id="o3", item="sofa", quantity=5, price=90_000))
    await run.finish()
    assert run.error == "OutOfStock: 2 of 'sofa' left"
    assert services.done == {"reserve o3"}


async def test_a_carrier_who_stays_away_undoes_everything_once(perdure_platform: Platform, shop: Any) -> None:
    services = shop()
    services.carrier_is_away = True
    run = await perdure_platform.start(example.fulfil, Order(id="o4", item="lamp", quantity=1, price=4_900))
    await run.finish()
    assert run.status == "FAILURE"
    assert services.tried["ship o4"] == 3
    assert (services.stock["lamp"], services.balance) == (10, 0)
