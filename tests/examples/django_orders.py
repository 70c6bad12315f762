"""Run by test_django_app.py: the Django example's job, killed at every moment, pays each order once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from perdure.testing import SyncPlatform


@pytest.fixture
def example(perdure_platform_sync: SyncPlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PERDURE_DATABASE_URL", perdure_platform_sync.database_url)
    from examples.django_app import app

    app.make_tables()
    yield app
    app.connection.close()


@pytest.mark.perdure(crash="everywhere")
def test_an_order_is_paid_once(perdure_platform_sync: SyncPlatform, example: Any) -> None:
    example.Order.objects.all().delete()
    order = example.Order.objects.create(item="lamp")
    run = perdure_platform_sync.start(example.collect, example.OrderPlaced(order=order.id))
    run.finish()
    assert run.output is True
    assert list(example.Order.objects.values_list("item", "paid")) == [("lamp", True)]


def test_an_order_that_is_rolled_back_starts_nothing(
    perdure_platform_sync: SyncPlatform, example: Any
) -> None:
    from django.db import transaction

    perdure_platform_sync.attach(example.perdure)
    for kept in (False, True):
        with transaction.atomic():
            order = example.Order.objects.create(item="lamp")
            example.collect.enqueue(example.connection, example.OrderPlaced(order=order.id))
            transaction.set_rollback(not kept)
        perdure_platform_sync.settle()
        assert len(perdure_platform_sync.runs) == kept
