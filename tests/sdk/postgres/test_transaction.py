"""io.transaction: the app's writes and the task's end commit together, over connections of every kind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from perdure import IO, SyncIO, event_trigger
from tests.sdk.postgres.connections import PLAIN, plain_database, sqlalchemy_url
from tests.sdk.postgres.scene import (
    RECEIPT_AT,
    Scene,
    write,
    write_by_sqlalchemy,
    write_plainly,
)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("job_kind", ["async def", "def"])
async def test_what_a_plain_function_writes_commits_with_the_task(
    scene: Scene, kind: str, job_kind: str
) -> None:
    with ExitStack() as stack:
        scene.app.database = plain_database(kind, scene.platform.db.url, stack)
        declare = scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
        if job_kind == "def":

            @declare
            def job(payload: Any, io: SyncIO) -> list[Any]:
                first = io.transaction("write", write_plainly, scene.id, note="one")
                second = io.transaction("again", write_plainly, scene.id, note="two")
                return [first.note, first.at == RECEIPT_AT, second.note]

        else:

            @declare
            async def async_job(payload: Any, io: IO) -> list[Any]:
                first = await io.transaction("write", write_plainly, scene.id, note="one")
                second = await io.transaction("again", write_plainly, scene.id, note="two")
                return [first.note, first.at == RECEIPT_AT, second.note]

        run = await scene.run()
    assert (run.status, run.output) == ("SUCCESS", ["one", True, "two"])
    assert scene.notes() == ["one", "two"]
    assert scene.tasks(run.id) == {"write": "COMPLETED", "again": "COMPLETED"}


@pytest.mark.parametrize(
    "kind", ["url", "environment", "pool", "psycopg, session", "asyncpg, session", "asyncpg, engine"]
)
async def test_what_an_async_function_writes_commits_with_the_task(
    scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = scene.platform.db.url
    pools: list[AsyncConnectionPool[Any]] = []
    fn: Callable[..., Any] = write
    if kind == "environment":
        scene.app.database = None
        monkeypatch.setenv("PERDURE_DATABASE_URL", url)
    elif kind == "pool":

        @asynccontextmanager
        async def connection() -> Any:  # opened in the loop of the app, as a lifespan would
            if not pools:
                pools.append(AsyncConnectionPool(url, min_size=1, max_size=2, open=False))
                await pools[0].open()
            async with pools[0].connection() as opened:
                yield opened

        scene.app.database = connection
    elif kind != "url":
        fn = write_by_sqlalchemy
        driver, _, what = kind.partition(", ")
        engine = create_async_engine(sqlalchemy_url(url, driver), poolclass=NullPool)
        scene.app.database = engine if what == "engine" else async_sessionmaker(engine)

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> Any:
        receipt = await io.transaction("write", fn, scene.id, note="one")
        if pools:
            await pools[0].close()
        return receipt.note

    run = await scene.run()
    assert (run.status, run.output) == ("SUCCESS", "one")
    assert scene.notes() == ["one"]


async def test_a_plain_jobs_function_is_called_in_the_jobs_own_thread(scene: Scene) -> None:
    def thread(connection: Any) -> int:
        return threading.get_ident()

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    def job(payload: Any, io: SyncIO) -> bool:
        return io.transaction("thread", thread) == threading.get_ident()

    assert (await scene.run()).output is True


async def test_transactions_side_by_side_and_within_tasks(scene: Scene) -> None:
    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> list[str]:
        async def outer(number: int) -> str:
            receipt = await io.transaction("inner", write, scene.id, note=f"{number}")
            await io.transaction("void", nothing)
            return receipt.note

        async def nothing(connection: Any) -> None: ...

        return await asyncio.gather(*(io.run_task(f"outer {n}", outer, n) for n in range(5)))

    run = await scene.run()
    assert run.output == ["0", "1", "2", "3", "4"]
    assert scene.notes() == ["0", "1", "2", "3", "4"]
    parents = scene.platform.db.value(
        "select count(distinct parent_id) from perdure_views.tasks where run_id = %s", run.id
    )
    assert parents == 5
