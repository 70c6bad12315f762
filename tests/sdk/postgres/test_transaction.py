"""io.transaction: the app's writes and the task's end commit together, on the real platform."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import psycopg2
import pytest
import sqlalchemy
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

from perdure import IO, Perdure, Retry, SyncIO, TaskFailed, TaskOptions, event_trigger
from tests.sdk.postgres.conftest import Unlike, django_connection, sqlalchemy_url
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.builders import SDK
from tests.support.database import Database
from tests.support.fix_database import TestServer
from tests.support.http_server import serve
from tests.support.waiting import eventually_async

ORDERS = "create table public.orders (run_id text, note text)"
_numbers = count(1)


class Receipt(BaseModel):
    note: str
    at: datetime


RECEIPT_AT = datetime(2024, 2, 29, tzinfo=UTC)


class Host:
    """One server for the apps of all tests: a path each."""

    def __init__(self) -> None:
        self.url = ""
        self.apps: dict[str, Perdure] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request to the app that its path names; close them in the end, in their own loop."""
        if scope["type"] == "http":
            await self.apps[scope["path"]].asgi()(scope, receive, send)
            return
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        assert message["type"] == "lifespan.shutdown"
        for app in self.apps.values():
            await app.close()
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = Host()
    with serve(host) as url:
        host.url = url
        yield host


@pytest.fixture(scope="module")
def platform(postgres_server: TestServer, template_database: str) -> Iterator[RealPlatform]:
    """A platform with a table of the app's beside it."""
    with real_platform(postgres_server, template_database) as system, system.db.as_role("none") as admin:
        admin.execute(ORDERS)
        admin.execute("grant select on public.orders to public")
        yield system


@dataclass
class Scene:
    """An app of its own for a test."""

    platform: RealPlatform
    host: Host
    app: Perdure
    id: str

    async def run(self, payload: Any = None) -> Any:
        """Start the job ``self.id``, wait for the run's end, and return the row of the run."""
        run_id = self.start(payload)
        return await eventually_async(lambda: self.ended(run_id), what="the end of the run")

    def start(self, payload: Any = None) -> str:
        """Register the app and start its job; returns the run's id."""
        db, environment_id = self.platform.db, self.platform.environment.id
        self.host.apps[f"/{self.id}"] = self.app
        row = db.call("register_endpoint", environment_id, self.id, f"{self.host.url}/{self.id}")
        db.call("index_endpoint", row["id"], self.app.manifest().to_wire(), SDK)
        started: dict[str, str] = db.call("invoke_job", environment_id, self.id, payload or {})
        return started["id"]

    def ended(self, run_id: str) -> Any:
        """The row of the run once it has ended."""
        rows = self.platform.db.rows(
            "select * from perdure_views.runs where id = %s and completed_at is not null", run_id
        )
        return rows[0] if rows else None

    def notes(self) -> list[str]:
        """What is in the app's table."""
        rows = self.platform.db.rows("select note from public.orders where run_id = %s order by 1", self.id)
        return [row.note for row in rows]

    def tasks(self, run_id: str) -> dict[str, str]:
        """Status of each task of a run by its name."""
        rows = self.platform.db.rows(
            "select name, status from perdure_views.tasks where run_id = %s order by id", run_id
        )
        return {row.name: row.status for row in rows}


@pytest.fixture
def scene(platform: RealPlatform, host: Host) -> Scene:
    id = f"shop-{next(_numbers)}"
    app = platform.new_app(id)
    app.database = platform.db.url
    return Scene(platform, host, app, id)


async def write(connection: psycopg.AsyncConnection[Any], run_id: str, note: str) -> Receipt:
    await connection.execute("insert into public.orders values (%s, %s)", [run_id, note])
    return Receipt(note=note, at=RECEIPT_AT)


def write_plainly(connection: Any, run_id: str, note: str) -> Receipt:
    """The same over whatever is not async."""
    if hasattr(connection, "scalar"):  # SQLAlchemy
        connection.execute(
            sqlalchemy.text("insert into public.orders values (:run_id, :note)"),
            {"run_id": run_id, "note": note},
        )
    else:
        with connection.cursor() as cursor:
            cursor.execute("insert into public.orders values (%s, %s)", [run_id, note])
    return Receipt(note=note, at=RECEIPT_AT)


async def write_by_sqlalchemy(connection: Any, run_id: str, note: str) -> Receipt:
    await connection.execute(
        sqlalchemy.text("insert into public.orders values (:run_id, :note)"), {"run_id": run_id, "note": note}
    )
    return Receipt(note=note, at=RECEIPT_AT)


def plain_database(kind: str, url: str, stack: ExitStack) -> Any:
    """What Perdure(database=...) takes, for plain functions."""
    if kind == "url":
        return sqlalchemy_url(url, "psycopg")
    if kind.startswith("pool"):
        pool = stack.enter_context(ConnectionPool(url, min_size=1, max_size=2))
        return pool if kind == "pool" else pool.connection
    if kind == "django":
        return django_connection(url)
    if kind == "psycopg2":

        @contextmanager
        def connect() -> Iterator[Any]:
            connection = psycopg2.connect(url)
            try:
                yield connection
            finally:
                connection.close()

        return connect
    driver, _, what = kind.partition(", ")
    engine = sqlalchemy.create_engine(sqlalchemy_url(url, driver), poolclass=NullPool)
    return engine if what == "engine" else sessionmaker(engine)


PLAIN = [
    "url",
    "pool",
    "pool.connection",
    "django",
    "psycopg2",
    "psycopg, sessionmaker",
    "psycopg, engine",
    "psycopg2, sessionmaker",
]


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


def lose_lease(platform: RealPlatform, run_id: str) -> None:
    with Database(platform.db.url) as db:
        result = {"runId": run_id, "leaseNumber": 1, "verdict": "LEASE_EXPIRED", "durationMs": 5}
        assert db.call("apply_results", [result])[0].outcome not in ("DROPPED", "LEASE_LOST")


def promoted(scene: Scene, run_id: str) -> bool:
    """Let the pause after a lost execution pass; True when the run has ended."""
    if scene.ended(run_id):
        return True
    scene.platform.clock.advance(timedelta(seconds=10))
    return False


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
    monkeypatch.setattr("perdure.runner.ANNOUNCE_AFTER_S", 0.01)
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
