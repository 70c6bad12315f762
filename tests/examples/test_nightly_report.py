"""The nightly report: by its schedule, over 500 customers, with one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from examples.nightly_report import app as example
from perdure import ScheduledPayload
from perdure.testing import Platform

NIGHT = ScheduledPayload(ts=datetime(2026, 1, 5, 1, 30, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _own_warehouse() -> Iterator[None]:
    yield
    example.app.dependency_overrides.clear()


def warehouse(customers: int) -> example.Warehouse:
    made = example.Warehouse(customers)
    example.app.dependency_overrides[example.get_warehouse] = lambda: made
    return made


async def test_500_reports_travel_in_few_calls(perdure_platform: Platform) -> None:
    used = warehouse(500)
    run = await perdure_platform.start(example.report, NIGHT)
    await run.finish()
    assert run.output == {"reports": 499, "orders": sum(n % 7 for n in range(500)) - 13 % 7, "failed": [13]}
    assert sorted(used.queries) == list(range(500))
    assert len(run.executions) == 1
    assert len(run.calls) < 150


@pytest.mark.perdure(crash="everywhere")
async def test_a_night_with_crashes_is_the_same(perdure_platform: Platform) -> None:
    warehouse(20)
    run = await perdure_platform.start(example.report, NIGHT)
    await run.finish()
    assert run.output == {"reports": 19, "orders": sum(n % 7 for n in range(20)) - 6, "failed": [13]}
