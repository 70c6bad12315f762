"""The pool: the right role, JSON untouched, and restarts of Postgres that callers do not notice."""

import asyncio
import os
import socket
import time
import traceback
from collections.abc import AsyncIterator

import psycopg
import pytest

from perdure_engine.adapters import Json
from perdure_engine.driver import Statement
from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.errors import DatabaseUnavailable, InvalidArgument, NotMigrated
from perdure_engine.pool import CONNECTION_OPTIONS, Pool, open_pool
from tests.support.waiting import eventually_async


@pytest.fixture
async def pool(db_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(db_url, role="perdure_server", application_name="test pool") as opened:
        yield opened


async def fetch(pool: Pool, query: str, *parameters: object) -> tuple[object, ...] | None:
    async with pool.connection() as conn:
        cursor = await conn.execute(query.encode(), parameters or None)
        return await cursor.fetchone()


async def test_connections_have_the_role_and_the_name(pool: Pool) -> None:
    assert await fetch(pool, "select current_user::text, current_setting('application_name')") == (
        "perdure_server",
        "test pool",
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await fetch(pool, "insert into perdure.settings values ('public_url', 'x', now()) returning name")


async def test_json_passes_through_verbatim(pool: Pool) -> None:
    document = b'{"b" : 1.0,  "a":[1e3, "\\u00e4"], "b":2}'
    assert await fetch(pool, "select %s::json", Json(document)) == (document,)
    assert await fetch(pool, "select '{\"a\": 1}'::jsonb, null::json") == (b'{"a": 1}', None)


async def test_ids_are_text(pool: Pool) -> None:
    text = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert await fetch(pool, "select %s::uuid", text) == (text,)


async def test_an_unknown_role_is_not_waited_for(db_url: str) -> None:
    with pytest.raises(NotMigrated, match=r'role "perdure_pilot" does not exist: run `perdure migrate`'):
        await open_pool(db_url, role="perdure_pilot", application_name="test", wait_s=60)


async def test_a_server_that_does_not_come_is_given_up() -> None:
    with pytest.raises(DatabaseUnavailable):
        await open_pool("postgresql://x@127.0.0.1:1/x", role="x", application_name="test", wait_s=0.2)


async def test_a_pool_that_is_used_up_or_closed_says_so(db_url: str) -> None:
    pool = await open_pool(db_url, role="perdure_server", application_name="test", max_size=1, wait_s=0.2)
    async with pool.connection():
        with pytest.raises(DatabaseUnavailable, match=r"within 0\.2 s"):
            await fetch(pool, "select 1")
    await pool.close()
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await fetch(pool, "select 1")


async def test_a_restart_is_not_noticed_by_the_next_callers(server: EmbeddedPostgres) -> None:
    pool = await open_pool(server.url(), role="postgres", application_name="test", max_size=5)
    async with pool:
        await asyncio.gather(*(fetch(pool, "select pg_sleep(0.01)") for _ in range(20)))
        server.restart()
        begun = time.monotonic()
        assert await asyncio.gather(*(fetch(pool, "select 1") for _ in range(20))) == [(1,)] * 20
        assert time.monotonic() - begun < 5, "five dead connections must not be tried one after the other"


async def test_callers_wait_while_postgres_is_away(
    server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await open_pool(server.url(), role="postgres", application_name="test", max_size=4)
    async with pool:
        server.kill()
        waiting = [asyncio.create_task(fetch(pool, "select 1")) for _ in range(8)]
        await eventually_async(lambda: "cannot connect" in caplog.text, what="a failed attempt")
        assert not any(call.done() for call in waiting)
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*waiting) == [(1,)] * 8


async def test_a_call_cut_off_by_a_restart_is_database_unavailable(server: EmbeddedPostgres) -> None:
    pool = await open_pool(server.url(), role="postgres", application_name="test")
    async with pool:
        with pytest.raises(psycopg.OperationalError):
            await fetch(pool, "select pg_terminate_backend(pg_backend_pid())")
        assert await fetch(pool, "select 1") == (1,)


async def test_a_lone_caller_always_gets_the_same_connection(pool: Pool) -> None:
    await asyncio.gather(*(fetch(pool, "select pg_sleep(0.01)") for _ in range(8)))
    assert len({await fetch(pool, "select pg_backend_pid()") for _ in range(8)}) == 1


async def test_a_caller_gives_up_waiting_and_another_gets_the_connection(db_url: str) -> None:
    async with await open_pool(db_url, role="perdure_server", application_name="test", max_size=1) as pool:
        async with pool.connection():
            impatient, patient = (asyncio.create_task(fetch(pool, "select 1")) for _ in range(2))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.wait([impatient])
        assert await patient == (1,)
        waiting = asyncio.create_task(fetch(pool, "select pg_sleep(60)"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await fetch(pool, "select 2") == (2,)


async def test_a_caller_cancelled_in_the_moment_its_connection_comes_loses_none(db_url: str) -> None:
    async with await open_pool(
        db_url, role="perdure_server", application_name="test", max_size=1, wait_s=5
    ) as pool:
        conn = await pool.take(5)
        waiting = asyncio.create_task(fetch(pool, "select 1"))
        await asyncio.sleep(0)
        pool.give_back(conn)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert await fetch(pool, "select 2") == (2,)


BACKEND = Statement("backend", "select pg_backend_pid() from pg_sleep($1::float8)", int)


async def test_a_call_takes_a_connection_by_itself(pool: Pool) -> None:
    together = await asyncio.gather(*(pool.call(BACKEND, "0.01") for _ in range(20)))
    assert 1 < len({pid for (pid,) in together}) <= 8
    assert len({(await pool.call(BACKEND, "0"))[0] for _ in range(8)}) == 1


async def test_a_cancelled_call_on_the_pool_leaves_its_connection_good(pool: Pool) -> None:
    (backend,) = await pool.call(BACKEND, "0")
    calling = pool.call(BACKEND, "0.2")
    calling.cancel()
    (other,) = await pool.call(BACKEND, "0")
    assert other != backend, "the first one is still at work"

    async def is_back() -> bool:
        """Asked of all connections at once: a call by itself gets the one that was used last."""
        return [backend] in await asyncio.gather(*(pool.call(BACKEND, "0.01") for _ in range(20)))

    await eventually_async(is_back)


async def test_a_call_that_cannot_be_sent_costs_no_connection(pool: Pool) -> None:
    for text, error in (("0\0", psycopg.DataError), ("\ud800", UnicodeEncodeError)):
        for _ in range(10):  # more often than there is room
            with pytest.raises(error):
                await pool.call(BACKEND, text)
    assert len(await pool.call(BACKEND, "0")) == 1


async def test_a_call_on_the_pool_that_loses_its_connection(pool: Pool, db_url: str) -> None:
    (backend,) = await pool.call(BACKEND, "0")
    calling = pool.call(BACKEND, "60")
    with psycopg.connect(db_url, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(%s)", [backend])
    with pytest.raises(DatabaseUnavailable):
        await calling
    assert await pool.call(BACKEND, "0") != [backend]


async def test_a_transaction_left_open_goes_no_further(pool: Pool) -> None:
    async with pool.connection() as conn:
        await conn.execute("begin")
    assert await fetch(pool, "select now() = statement_timestamp()") == (True,)


async def test_connections_that_nobody_needs_are_closed(
    pool: Pool, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure_engine.pool._LONGEST_IDLE_S", 0.05)
    await asyncio.gather(*(fetch(pool, "select pg_sleep(0.01)") for _ in range(8)))

    def connections() -> int:
        with psycopg.connect(db_url) as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity"
                " where application_name = 'test pool' and datname = current_database()"
            ).fetchone()
        return 0 if row is None else int(row[0])

    await eventually_async(lambda: connections() == 1)
    assert await fetch(pool, "select 1") == (1,)


async def test_an_old_connection_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await fetch(pool, "select pg_backend_pid()")
    monkeypatch.setattr("perdure_engine.pool._LONGEST_LIFE_S", 0)
    assert await fetch(pool, "select pg_backend_pid()") == first
    assert await fetch(pool, "select pg_backend_pid()") != first


@pytest.mark.parametrize(
    "url",
    [
        "postgresql//user:hunter2@host/db",
        "postgresql://user:hunter2%zz@host/db",
        "postgresql://user:x@hunter2@host/db",
        "postgresql://user:hunter2/x@host/db",
        "user:hunter2@host",
    ],
)
async def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidArgument, match="connection string") as caught:
        await open_pool(url, role="x", application_name="test", wait_s=0.2)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


async def test_a_server_that_vanishes_during_a_call_is_noticed(server: EmbeddedPostgres) -> None:
    """Keepalives do not count while data is on its way: TCP_USER_TIMEOUT does."""
    async with await psycopg.AsyncConnection.connect(server.url(tcp=True), **CONNECTION_OPTIONS) as conn:
        with socket.socket(fileno=os.dup(conn.fileno())) as handle:
            assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
