"""Listening: hints come through, also after the connection was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.notifications import listen
from tests.support.waiting import eventually_async


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self.connects = 0

    def on_notify(self, payload: str) -> None:
        self.payloads.append(payload)

    def on_reconnect(self) -> None:
        self.connects += 1

    def after(self, connects: int) -> Callable[[], bool]:
        return lambda: self.connects >= connects


@asynccontextmanager
async def listening(url: str, role: str) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(
        listen(
            url,
            role=role,
            channel="perdure_ready",
            on_notify=heard.on_notify,
            on_reconnect=heard.on_reconnect,
            application_name="test listener",
        )
    )
    try:
        await eventually_async(heard.after(1), what="the first connection")
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


def notify(url: str, payload: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_notify('perdure_ready', %s)", [payload])


async def test_notifications_arrive_in_order(db_url: str) -> None:
    async with listening(db_url, "perdure_dispatcher") as heard:
        for payload in ("runs", "due", "runs"):
            notify(db_url, payload)
        await eventually_async(lambda: len(heard.payloads) == 3)
        assert heard.payloads == ["runs", "due", "runs"]
        assert heard.connects == 1


async def test_a_lost_connection_is_made_again_and_announced(db_url: str) -> None:
    async with listening(db_url, "perdure_dispatcher") as heard:
        with psycopg.connect(db_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'test listener' and datname = current_database()"
            )
        await eventually_async(heard.after(2), what="the second connection")
        notify(db_url, "runs")
        await eventually_async(lambda: heard.payloads == ["runs"])


async def test_a_restart_of_postgres_is_survived(server: EmbeddedPostgres) -> None:
    async with listening(server.url(), "postgres") as heard:
        server.kill()
        await asyncio.to_thread(server.start)
        await eventually_async(heard.after(2), what="the second connection")
        notify(server.url(), "due")
        await eventually_async(lambda: heard.payloads == ["due"])


async def test_an_unknown_role_is_not_tried_again(db_url: str) -> None:
    heard = Heard()
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await listen(
            db_url,
            role="perdure_pilot",
            channel="perdure_ready",
            on_notify=heard.on_notify,
            on_reconnect=heard.on_reconnect,
        )
    assert heard.connects == 0
