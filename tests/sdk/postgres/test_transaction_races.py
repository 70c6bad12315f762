"""io.transaction when another execution, a lost lease or a lost connection comes between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from perdure import IO, event_trigger
from tests.sdk.postgres.scene import (
    Scene,
    lose_lease,
    promoted,
    write,
    write_plainly,
)
from tests.support.database import Database
from tests.support.waiting import eventually_async


async def test_a_lost_lease_rolls_back_and_ends_the_execution(scene: Scene) -> None:
    calls: list[str] = []

    async def slow(connection: Any, run_id: str) -> int:
        calls.append(run_id)
        await write(connection, scene.id, f"call {len(calls)}")
        if len(calls) == 1:
            await asyncio.to_thread(lose_lease, scene.platform, run_id)
        return len(calls)

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO, ctx: Any) -> int:
        return await io.transaction("slow", slow, ctx.run.id)

    run_id = scene.start()
    await eventually_async(lambda: calls, what="the first call")
    await eventually_async(lambda: promoted(scene, run_id), what="the second execution")
    run = scene.ended(run_id)
    assert (run.status, run.output) == ("SUCCESS", 2)
    assert scene.notes() == ["call 2"]


async def test_of_two_executions_at_once_the_second_waits_for_the_first(scene: Scene) -> None:
    calls: list[int] = []

    async def slow(connection: Any, run_id: str) -> int:
        calls.append(1)
        number = len(calls)
        await write(connection, scene.id, f"call {number}")
        if number == 1:
            await asyncio.to_thread(lose_lease, scene.platform, run_id)
            await eventually_async(
                lambda: promoted(scene, run_id) or waiting(scene), what="the second one waits"
            )
        return number

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO, ctx: Any) -> int:
        return await io.transaction("slow", slow, ctx.run.id)

    run = await scene.run()
    assert (run.status, run.output) == ("SUCCESS", 2)
    assert scene.notes() == ["call 2"]


def waiting(scene: Scene) -> bool:
    """Whether an execution waits for the task of another one."""
    query = """
        select from pg_locks as l inner join pg_database as d on d.oid = l.database
        where l.locktype = 'advisory' and not l.granted and d.datname = current_database()
    """
    return bool(scene.platform.db.rows(query))


@pytest.mark.parametrize("level", list(psycopg.IsolationLevel))
async def test_a_task_that_is_announced_meanwhile_commits_at_every_isolation_level(
    scene: Scene, level: psycopg.IsolationLevel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure.recorder.ANNOUNCE_AFTER_S", 0.01)
    calls: list[int] = []

    @asynccontextmanager
    async def connect() -> Any:
        async with await psycopg.AsyncConnection.connect(scene.platform.db.url) as connection:
            await connection.set_isolation_level(level)
            yield connection

    async def slow(connection: Any, run_id: str) -> int:
        calls.append(1)
        await write(connection, scene.id, "one")
        await eventually_async(lambda: scene.tasks(run_id) == {"slow": "RUNNING"}, what="the announcement")
        return len(calls)

    scene.app.database = connect

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO, ctx: Any) -> int:
        return await io.transaction("slow", slow, ctx.run.id)

    run = await scene.run()
    assert (run.status, run.execution_count) == ("SUCCESS", 1)
    assert scene.notes() == ["one"]
    assert scene.tasks(run.id) == {"slow": "COMPLETED"}


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("plain", [True, False])
async def test_when_nobody_knows_whether_it_was_committed_the_next_execution_finds_out(
    scene: Scene, committed: bool, plain: bool
) -> None:
    calls: list[int] = []
    url = scene.platform.db.url

    def lose_first(commits: bool) -> str:
        """With it in a transaction, its COMMIT finds that the server process is gone."""
        return "" if commits else "insert into public.fatal values (1)"

    with scene.platform.db.as_role("none") as admin:
        admin.execute("create table if not exists public.fatal (id int)")
        admin.execute(
            "create or replace function public.die() returns trigger language plpgsql as "
            "$$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$"
        )
        admin.execute("drop trigger if exists die on public.fatal")
        admin.execute(
            "create constraint trigger die after insert on public.fatal deferrable initially deferred "
            "for each row execute function public.die()"
        )

    @contextmanager
    def connect() -> Iterator[Any]:
        with psycopg.connect(url) as connection:
            yield connection
        if committed and len(calls) == 1:
            raise psycopg.OperationalError("the answer to COMMIT never came")

    @asynccontextmanager
    async def connect_async() -> Any:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            yield connection
        if committed and len(calls) == 1:
            raise psycopg.OperationalError("the answer to COMMIT never came")

    async def once(connection: Any) -> int:
        calls.append(1)
        await write(connection, scene.id, f"call {len(calls)}")
        if len(calls) == 1 and not committed:
            await connection.execute(lose_first(committed))
        return len(calls)

    def once_plainly(connection: Any) -> int:
        calls.append(1)
        write_plainly(connection, scene.id, f"call {len(calls)}")
        if len(calls) == 1 and not committed:
            connection.execute(lose_first(committed))
        return len(calls)

    scene.app.database = connect if plain else connect_async

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> int:
        return await io.transaction("once", once_plainly if plain else once)

    run = await scene.run()
    expected = 1 if committed else 2
    assert (run.status, run.output, run.execution_count) == ("SUCCESS", expected, 2)
    assert scene.notes() == [f"call {expected}"]
    assert len(calls) == expected


async def test_a_connection_lost_before_the_commit_is_tried_again_later(scene: Scene) -> None:
    calls: list[int] = []

    async def once(connection: Any) -> int:
        calls.append(1)
        await write(connection, scene.id, f"call {len(calls)}")
        if len(calls) == 1:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return len(calls)

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> int:
        return await io.transaction("once", once)

    run_id = scene.start()
    await eventually_async(lambda: promoted(scene, run_id), what="the second execution")
    assert scene.ended(run_id).output == 2
    assert scene.notes() == ["call 2"]


async def test_an_error_that_another_executions_commit_caused_is_no_failure(scene: Scene) -> None:
    """The key exists already, since another execution has done the task meanwhile."""

    async def write_unique(connection: Any, run_id: str, lease: int, key: str) -> str:
        finish_elsewhere(scene, run_id, key)
        raise psycopg.errors.UniqueViolation("duplicate key value")

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO, ctx: Any) -> str:
        from perdure.keys import idempotency_key

        key = idempotency_key(ctx.run.id, None, "write")
        return await io.transaction("write", write_unique, ctx.run.id, 1, key)

    run = await scene.run()
    assert (run.status, run.output) == ("SUCCESS", "the other one's")


def finish_elsewhere(scene: Scene, run_id: str, key: str) -> None:
    with Database(scene.platform.db.url) as db:
        record = {"idempotencyKey": key, "name": "write", "status": "COMPLETED", "output": "the other one's"}
        identity = {"environmentId": scene.platform.environment.id, "runId": run_id, "leaseNumber": 1}
        (row,) = db.call("upsert_tasks", [{**identity, "task": record}])
        assert row.error_code is None
