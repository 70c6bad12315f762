"""Hot calls: rows and errors as from a cursor, and a connection that is good or closed afterwards."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import uvloop

from perdure_engine.adapters import engine_adapters
from perdure_engine.driver import Connection, Statement
from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.errors import DatabaseUnavailable, InvalidArgument, NotMigrated
from tests.support.waiting import eventually, eventually_async

Outcome = TypeVar("Outcome")
NewLoop = Callable[[], asyncio.AbstractEventLoop]
EVENT_LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])


def columns(*values: object) -> tuple[object, ...]:
    return values


ECHO = Statement("echo", "select $1::json as document", bytes)
LENGTH = Statement("length", "select length($1::text)", int)
NUMBERS = Statement("numbers", "select n, n::text || $2 from generate_series(1, $1::int) as n", columns)
SLEEP = Statement("sleep", "select 1 from pg_sleep($1::float8)", int)
BACKEND = Statement("backend", "select pg_backend_pid()", int)
TERMINATE = Statement("terminate", "select 1 from pg_terminate_backend(pg_backend_pid())", int)


async def connect(url: str) -> Connection:
    return await Connection.connect(url, autocommit=True, context=engine_adapters(), prepare_threshold=None)


@pytest.fixture
async def conn(db_url: str) -> AsyncIterator[Connection]:
    async with await connect(db_url) as opened:
        yield opened


def sleepers(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and state = 'active' and query like '%pg_sleep($1%' and pid <> pg_backend_pid()"
        ).fetchone()
    return 0 if row is None else int(row[0])


def terminate_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


async def test_columns_come_as_from_a_cursor(conn: Connection) -> None:
    query = (
        "select 7, null::text, 'ä'::text, '{\"a\" : 1.0}'::json,"
        " '01890a5d-ac96-774b-bcce-b302099a8057'::uuid, array[decode('00ff', 'hex')], true"
    )
    cursor = await conn.execute(query)
    rows = await conn.call(Statement("everything", query, columns))
    assert rows == await cursor.fetchall()
    assert rows[0][3:6] == (b'{"a" : 1.0}', "01890a5d-ac96-774b-bcce-b302099a8057", [b"\x00\xff"])


async def test_there_are_as_many_rows_as_there_are(conn: Connection) -> None:
    for count in (2, 0, 3, 1):
        rows = [(n, f"{n} ü") for n in range(1, count + 1)]
        assert await conn.call(NUMBERS, str(count), " ü") == rows


async def test_a_call_and_an_answer_larger_than_the_socket_takes_at_once(conn: Connection) -> None:
    document = b'"' + b"x" * 20_000_000 + b'"'
    assert await conn.call(ECHO, document) == [document]
    assert await conn.call(ECHO, b"{}") == [b"{}"]


async def test_an_error_is_of_its_call_alone(conn: Connection) -> None:
    (backend,) = await conn.call(BACKEND)
    with pytest.raises(InvalidArgument, match="json"):
        await conn.call(ECHO, b"{")
    with pytest.raises(NotMigrated, match="perdure migrate"):
        await conn.call(Statement("missing", "select perdure.not_there()", int))
    assert conn.is_ready
    assert await conn.call(BACKEND) == [backend]
    assert await conn.call(ECHO, b"[]") == [b"[]"]


async def test_a_commit_that_fails_after_the_rows_came_is_an_error(conn: Connection) -> None:
    await conn.execute("create temporary table once (n int unique deferrable initially deferred)")
    insert = Statement("insert", "insert into once values ($1) returning n", int)
    assert await conn.call(insert, "1") == [1]
    with pytest.raises(psycopg.errors.UniqueViolation):
        await conn.call(insert, "1")
    assert await conn.call(insert, "2") == [2]


async def test_cursors_and_calls_take_turns(conn: Connection) -> None:
    for n in range(8):
        assert await conn.call(LENGTH, "x" * n) == [n]
        cursor = await conn.execute("select length(%s)", ["x" * n])
        assert await cursor.fetchone() == (n,)
    async with conn.transaction(force_rollback=True):
        await conn.execute("create table kept (n int)")
        assert await conn.call(LENGTH, "four") == [4]
    for n in range(8):  # a rollback leaves the prepared statements alone
        assert await conn.call(LENGTH, "x" * n) == [n]
        await conn.execute("select length(%s)", ["x" * n])
    cursor = await conn.execute("select to_regclass('kept')")
    assert await cursor.fetchone() == (None,)


async def test_two_connections_side_by_side(db_url: str) -> None:
    async with await connect(db_url) as one, await connect(db_url) as other:
        sleeping = asyncio.create_task(one.call(SLEEP, "30"))
        await eventually_async(lambda: sleepers(db_url) == 1)
        assert await other.call(LENGTH, "abc") == [3]
        assert not sleeping.done()
        sleeping.cancel()
        await asyncio.wait([sleeping])
        answers = await asyncio.gather(one.call(LENGTH, "a"), other.call(LENGTH, "ab"))
        assert list(answers) == [[1], [2]]


async def test_a_cancelled_caller_ends_its_call_and_leaves_the_connection_good(
    db_url: str, conn: Connection
) -> None:
    (backend,) = await conn.call(BACKEND)
    calling = asyncio.create_task(conn.call(SLEEP, "60"))
    await eventually_async(lambda: sleepers(db_url) == 1)
    calling.cancel()
    await asyncio.wait([calling])
    assert calling.cancelled()
    assert sleepers(db_url) == 0
    assert conn.is_ready
    assert await conn.call(BACKEND) == [backend]


async def test_a_call_that_cannot_be_cancelled_costs_the_connection(
    db_url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise psycopg.errors.CancellationTimeout("no")

    monkeypatch.setattr(conn, "cancel_safe", refuse)
    calling = asyncio.create_task(conn.call(SLEEP, "1"))
    await eventually_async(lambda: sleepers(db_url) == 1)
    calling.cancel()
    await asyncio.wait([calling])
    assert calling.cancelled()
    assert not conn.is_ready
    with pytest.raises(DatabaseUnavailable):
        await conn.call(LENGTH, "x")


async def test_a_connection_closed_during_a_call_is_database_unavailable(db_url: str) -> None:
    conn = await connect(db_url)
    calling = asyncio.create_task(conn.call(SLEEP, "60"))
    await eventually_async(lambda: sleepers(db_url) == 1)
    await conn.close()
    with pytest.raises(DatabaseUnavailable):
        await calling


async def test_a_row_that_cannot_be_made_is_told_the_caller(conn: Connection) -> None:
    with pytest.raises(TypeError):
        await conn.call(Statement("two", "select 1, 2", lambda only: only))
    assert conn.is_ready


async def test_a_connection_lost_during_a_call_is_database_unavailable(db_url: str, conn: Connection) -> None:
    calling = asyncio.create_task(conn.call(SLEEP, "60"))
    await eventually_async(lambda: sleepers(db_url) == 1)
    terminate_others(db_url)
    with pytest.raises(DatabaseUnavailable, match="administrator"):
        await calling
    with pytest.raises(DatabaseUnavailable):
        await conn.call(LENGTH, "x")
    assert not conn.is_ready


async def test_a_server_killed_during_a_call_is_database_unavailable(server: EmbeddedPostgres) -> None:
    async with await connect(server.url()) as conn:
        calling = asyncio.create_task(conn.call(SLEEP, "60"))
        await eventually_async(lambda: sleepers(server.url()) == 1)
        server.kill()
        with pytest.raises(DatabaseUnavailable):
            await calling


def crash_before_it_reads(backend: int, send: Callable[[], Outcome]) -> Outcome:
    """End a backend as all are ended when one crashes. The event loop does not turn until it is gone.

    The socket tells an error then, in the same event as Postgres's last words.
    """
    os.kill(backend, signal.SIGSTOP)
    outcome = send()
    os.kill(backend, signal.SIGQUIT)
    os.kill(backend, signal.SIGCONT)
    eventually(lambda: not Path(f"/proc/{backend}").exists(), what="the end of the backend")
    return outcome


@EVENT_LOOPS
@pytest.mark.parametrize("size", [1, 20_000_000])
def test_a_call_that_postgres_did_not_read_before_it_ended(
    server: EmbeddedPostgres, new_loop: NewLoop, size: int
) -> None:
    async def scenario() -> None:
        async with await connect(server.url()) as conn:
            assert await conn.call(LENGTH, "abc") == [3]
            (backend,) = await conn.call(BACKEND)
            calling = crash_before_it_reads(backend, lambda: conn.begin(LENGTH, ["x" * size]))
            async with asyncio.timeout(20):
                with pytest.raises(DatabaseUnavailable):
                    await calling
            assert not conn.is_ready

    run(new_loop, scenario())
    server.kill()  # it recovers now; the next test is to find it ready


@EVENT_LOOPS
def test_a_listener_whose_words_postgres_did_not_read_before_it_ended(
    server: EmbeddedPostgres, new_loop: NewLoop
) -> None:
    async def scenario() -> None:
        async with await connect(server.url()) as conn:
            (backend,) = await conn.call(BACKEND)
            listening = asyncio.create_task(conn.hear(lambda _: None))
            await asyncio.sleep(0)
            crash_before_it_reads(backend, lambda: conn.pgconn.send_query(b"listen anything"))
            async with asyncio.timeout(20):
                with pytest.raises(psycopg.OperationalError):
                    await listening

    run(new_loop, scenario())
    server.kill()


async def test_a_connection_lost_while_idle_has_news(db_url: str, conn: Connection) -> None:
    await conn.call(BACKEND)
    assert not conn.has_news
    terminate_others(db_url)
    await eventually_async(lambda: conn.has_news)
    with pytest.raises(DatabaseUnavailable):
        await conn.call(LENGTH, "x")


@EVENT_LOOPS
def test_any_event_loop_will_do(db_url: str, new_loop: NewLoop) -> None:
    async def scenario() -> None:
        async with await connect(db_url) as conn:
            document = b'"' + b"x" * 5_000_000 + b'"'
            assert await conn.call(ECHO, document) == [document]
            await conn.execute("select 1")
            assert await conn.call(LENGTH, "abc") == [3]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await conn.call(SLEEP, "60")
            assert await conn.call(LENGTH, "abcd") == [4]
            with pytest.raises(DatabaseUnavailable):
                await conn.call(TERMINATE)

    run(new_loop, scenario())


def run(new_loop: NewLoop, scenario: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario)
