"""io.transaction when its function fails, or is used in a way that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from perdure import IO, Perdure, Retry, TaskFailed, TaskOptions, event_trigger
from tests.sdk.postgres.conftest import Unlike
from tests.sdk.postgres.scene import (
    Scene,
    write,
    write_plainly,
)


@pytest.mark.parametrize("plain", [True, False])
async def test_what_raises_is_rolled_back_and_fails(scene: Scene, plain: bool) -> None:
    async def refuse(connection: Any, note: str) -> None:
        await write(connection, scene.id, note)
        raise ValueError("not today")

    def refuse_plainly(connection: Any, note: str) -> None:
        write_plainly(connection, scene.id, note)
        raise ValueError("not today")

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> str:
        fn: Any = refuse_plainly if plain else refuse
        try:
            await io.transaction("refuse", fn, "one")
        except TaskFailed as error:
            return f"{error.name}: {error.message}"
        return "no error"

    run = await scene.run()
    assert run.output == "ValueError: not today"
    assert scene.notes() == []
    assert scene.tasks(run.id) == {"refuse": "ERRORED"}


async def test_a_policy_tries_a_failed_transaction_again(scene: Scene) -> None:
    tries: list[int] = []

    async def flaky(connection: Any) -> int:
        await write(connection, scene.id, f"{len(tries)}")
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")
        return len(tries)

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> int:
        policy = TaskOptions(retry=Retry(limit=5, min_delay_s=0.001))
        return await io.transaction("flaky", flaky, options=policy)

    run = await scene.run()
    assert run.output == 3
    assert scene.notes() == ["2"]


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@pytest.mark.parametrize("plain", [True, False])
async def test_what_postgres_undid_for_anothers_sake_is_done_again_at_once(
    scene: Scene, sqlstate: str, plain: bool
) -> None:
    calls: list[int] = []
    trouble = f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$"

    async def unlucky(connection: Any) -> int:
        calls.append(1)
        await write(connection, scene.id, "one")
        if len(calls) < 3:
            await connection.execute(trouble)
        return len(calls)

    def unlucky_plainly(connection: Any) -> int:
        calls.append(1)
        write_plainly(connection, scene.id, "one")
        if len(calls) < 3:
            connection.execute(trouble)
        return len(calls)

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> int:
        return await io.transaction("unlucky", unlucky_plainly if plain else unlucky)

    run = await scene.run()
    assert (run.output, run.execution_count) == (3, 1)
    assert scene.notes() == ["one"]


MISUSES = {
    "io within": "within io.transaction's function",
    "commit": "commit",
    "async over plain": "plain connections",
    "within a transaction": "within a transaction already",
    "plain over async": "async connections",
    "at most once": "at_most_once",
    "no database": "PERDURE_DATABASE_URL is not set",
    "no context manager": "no context manager of a connection",
    "no JSON": "cannot be stored as JSON",
    "one connection": "pass a function that gives a fresh one",
    "what it calls is refused": "no job 'nobody'",
}


@pytest.mark.parametrize("misuse", MISUSES)
async def test_misuse_is_told_and_writes_nothing(scene: Scene, misuse: str) -> None:
    url = scene.platform.db.url
    one = psycopg.connect(url)

    @contextmanager
    def begun() -> Iterator[Any]:
        with psycopg.connect(url) as connection:
            connection.execute("select 1")
            yield connection
            connection.rollback()

    @asynccontextmanager
    async def begun_async() -> Any:
        yield None

    databases: dict[str, Any] = {
        "async over plain": lambda: psycopg.connect(url),
        "within a transaction": begun,
        "plain over async": begun_async,
        "no database": None,
        "one connection": one,
        "no context manager": lambda: 7,
    }
    scene.app.database = databases.get(misuse, url)
    strangers = Perdure("strangers", api_key=scene.platform.environment.key)

    @strangers.job(id="nobody", version="1.0.0", on=Unlike())
    async def nobody(payload: Any, io: IO) -> None: ...

    @scene.app.job(id=scene.id, version="1.0.0", on=event_trigger(scene.id))
    async def job(payload: Any, io: IO) -> Any:
        async def fn(connection: Any) -> Any:
            await write(connection, scene.id, "one")
            io.logger.info("log lines may be written")
            if misuse == "io within":
                await io.run_task("inner", lambda: 1)
            if misuse == "what it calls is refused":
                await nobody.enqueue(connection, {})
            if misuse == "commit":
                await connection.commit()
            return object() if misuse == "no JSON" else 1

        def plain(connection: Any) -> None:
            write_plainly(connection, scene.id, "one")

        options = TaskOptions(at_most_once=misuse == "at most once")
        return await io.transaction(
            "misused",
            plain if misuse in ("within a transaction", "plain over async") else fn,
            options=options,
        )

    run = await scene.run()
    one.close()
    assert run.status == "FAILURE"
    assert MISUSES[misuse] in run.output["message"]
    assert scene.notes() == []
