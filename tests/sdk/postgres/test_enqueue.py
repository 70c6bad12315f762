"""Events and runs that exist exactly when the app's own transaction commits, over each driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import psycopg2
import pytest
import sqlalchemy
from psycopg.rows import dict_row
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from perdure import ConfigurationError, Perdure, make_event
from perdure.postgres import DirectModeError, Enqueued
from perdure.wire.events import RawEvent
from tests.sdk.postgres.conftest import Direct
from tests.sdk.postgres.connections import django_connection, sqlalchemy_url


class Person(BaseModel):
    name: str
    born: datetime


ADA = Person(name="Ada \0 \U0001f600", born=datetime(1815, 12, 10, tzinfo=UTC))


@contextmanager
def plain_connection(kind: str, url: str) -> Iterator[Any]:
    """A connection that is not async, in a transaction, with commit() and rollback()."""
    if kind == "psycopg":
        with psycopg.connect(url) as connection:
            yield connection
    elif kind == "psycopg with rows as dicts":
        with psycopg.connect(url, row_factory=dict_row) as connection:
            yield connection
    elif kind == "psycopg2":
        connection = psycopg2.connect(url)
        yield connection
        connection.close()
    elif kind == "django":
        connection = django_connection(url)
        connection.set_autocommit(False)
        yield connection
        connection.rollback()
        connection.close()
    else:
        driver, _, what = kind.partition(", ")
        engine = sqlalchemy.create_engine(sqlalchemy_url(url, driver), poolclass=NullPool)
        if what == "connection":
            with engine.connect() as connection:
                yield connection
        elif what == "session":
            with Session(engine) as session:
                yield session
        else:
            registry = scoped_session(sessionmaker(engine))
            yield registry
            registry.remove()


@asynccontextmanager
async def async_connection(kind: str, url: str) -> AsyncIterator[Any]:
    """An async connection, in a transaction, with commit() and rollback()."""
    if kind == "psycopg":
        async with await psycopg.AsyncConnection.connect(url) as connection:
            yield connection
        return
    driver, _, what = kind.partition(", ")
    engine = create_async_engine(sqlalchemy_url(url, driver), poolclass=NullPool)
    if what == "connection":
        async with engine.connect() as connection:
            yield connection
    else:
        async with async_sessionmaker(engine)() as session:
            yield session
    await engine.dispose()


PLAIN = [
    "psycopg",
    "psycopg with rows as dicts",
    "psycopg2",
    "django",
    "psycopg, session",
    "psycopg, scoped session",
    "psycopg, connection",
    "psycopg2, session",
]
ASYNC = ["psycopg", "psycopg, session", "psycopg, connection", "asyncpg, session", "asyncpg, connection"]


@pytest.mark.parametrize("kind", PLAIN)
def test_an_event_exists_exactly_when_the_transaction_commits(direct: Direct, kind: str) -> None:
    name = f"user.{uuid4().hex}"
    with plain_connection(kind, direct.db.url) as connection:
        direct.app.enqueue(connection, name, ADA)
        assert direct.events(name) == []
        connection.rollback()
        sent = direct.app.enqueue(connection, name, ADA, id=f"{name}-1", context={"by": None})
        assert direct.events(name) == []
        connection.commit()
    (event,) = direct.events(name)
    assert (event.event_id, sent.id) == (f"{name}-1", f"{name}-1")
    assert event.context == {"by": None}
    assert Person.model_validate(event.payload) == ADA


@pytest.mark.parametrize("kind", PLAIN)
def test_many_events_are_one_statement_of_the_transaction(direct: Direct, kind: str) -> None:
    name = f"user.{uuid4().hex}"
    events = [make_event(name, ADA), RawEvent(name=name, payload={"n": 1}), make_event(name, id=f"{name}-2")]
    with plain_connection(kind, direct.db.url) as connection:
        sent = direct.app.enqueue_events(connection, events, account_id="ada")
        assert direct.app.enqueue_events(connection, []) == []
        assert direct.events(name) == []
        connection.commit()
    assert [event.event_id for event in direct.events(name)] == [event.id for event in sent]
    assert sent[2].id == f"{name}-2"
    assert Person.model_validate(sent[0].payload) == ADA


@pytest.mark.parametrize("kind", ["psycopg", "asyncpg, session"])
async def test_many_events_over_an_async_connection(direct: Direct, kind: str) -> None:
    name = f"user.{uuid4().hex}"
    async with async_connection(kind, direct.db.url) as connection:
        await direct.app.enqueue_events(connection, [make_event(name), make_event(name)])
        await connection.rollback()
        sent = await direct.app.enqueue_events(connection, [make_event(name), make_event(name)])
        await connection.commit()
    assert [event.event_id for event in direct.events(name)] == [event.id for event in sent]


@pytest.mark.parametrize("kind", ["psycopg", "psycopg2", "django"])
def test_a_cursor_stands_for_its_connection(direct: Direct, kind: str) -> None:
    name = f"user.{uuid4().hex}"
    with plain_connection(kind, direct.db.url) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select 7")
            direct.app.enqueue(cursor, name)
            assert cursor.fetchone() == (7,), "the cursor's own rows are still there"
        assert direct.events(name) == []
        connection.commit()
    assert len(direct.events(name)) == 1


@pytest.mark.parametrize("kind", ASYNC)
async def test_an_async_connection_is_awaited(direct: Direct, kind: str) -> None:
    name = f"user.{uuid4().hex}"
    async with async_connection(kind, direct.db.url) as connection:
        await direct.app.enqueue(connection, name, ADA)
        await connection.rollback()
        sent = await direct.app.enqueue(connection, name, ADA)
        assert direct.events(name) == []
        await connection.commit()
    (event,) = direct.events(name)
    assert event.event_id == sent.id
    assert Person.model_validate(event.payload) == ADA


@pytest.mark.parametrize("kind", PLAIN)
def test_a_job_is_started_by_its_event_or_else_directly(direct: Direct, kind: str) -> None:
    key = uuid4().hex
    with plain_connection(kind, direct.db.url) as connection:
        sent = direct.welcome.enqueue(connection, {"name": "Ada"}, id=key)
        invoked = direct.tidy.enqueue(connection, {"days": 3}, id=f"tidy-{key}", account_id="user-1")
        again = direct.tidy.enqueue(connection, {"days": 3}, id=f"tidy-{key}")
        connection.commit()
    assert sent == Enqueued(event_id=key)
    assert invoked == again
    assert direct.jobs_run(key) == ["welcome"]
    (run,) = direct.db.rows("select * from perdure_views.runs where event = %s", f"tidy-{key}")
    assert (run.id, run.job) == (invoked.run_id, "tidy")


@pytest.mark.parametrize("kind", ASYNC)
async def test_a_job_is_started_over_an_async_connection(direct: Direct, kind: str) -> None:
    async with async_connection(kind, direct.db.url) as connection:
        sent = await direct.welcome.enqueue(connection, {"name": "Ada"})
        invoked = await direct.tidy.enqueue(connection, None)
        await connection.commit()
    assert direct.jobs_run(sent.event_id) == ["welcome"]
    assert direct.db.value("select job from perdure_views.runs where id = %s", invoked.run_id) == "tidy"


def test_when_and_for_whom_an_event_is_delivered(direct: Direct) -> None:
    name = f"later.{uuid4().hex}"
    at = datetime(2100, 1, 1, tzinfo=UTC)
    with psycopg.connect(direct.db.url) as connection:
        direct.app.enqueue(connection, name, deliver_at=at, account_id="user-7", source="crm", timestamp=at)
        direct.app.enqueue(connection, name, deliver_after=timedelta(hours=1), id=f"{name}-2")
        direct.app.enqueue(connection, name, deliver_after=timedelta(hours=1), id=f"{name}-2")
    first, second = direct.events(name)
    assert (first.deliver_at, first.source, first.happened_at, first.payload) == (at, "crm", at, {})
    assert timedelta(minutes=59) < second.deliver_at - datetime.now(UTC) < timedelta(minutes=61)
    assert second.delivered_at is None


def test_the_search_path_of_the_app_does_not_matter(direct: Direct) -> None:
    with psycopg.connect(direct.db.url) as connection:
        connection.execute("create type pg_temp.json as enum ('trap')")
        connection.execute("set search_path = pg_temp")
        sent = direct.app.enqueue(connection, "user.created", {"name": "Ada"})
    assert direct.jobs_run(sent.id) == ["welcome"]


def test_a_role_without_rights_is_told_what_to_grant(direct: Direct) -> None:
    role = f"stranger_{uuid4().hex[:12]}"
    with psycopg.connect(direct.db.url) as connection:
        connection.execute(f"create role {role}")  # type: ignore[arg-type]
        connection.execute(f"set local role {role}")  # type: ignore[arg-type]
        with pytest.raises(DirectModeError, match="grant perdure_app to") as caught:
            direct.app.enqueue(connection, "user.created")
        assert caught.value.code == "42501"
        connection.rollback()
        connection.execute(f"create role {role}")  # type: ignore[arg-type]
        connection.execute(f"grant perdure_app to {role}")  # type: ignore[arg-type]
        connection.execute(f"set local role {role}")  # type: ignore[arg-type]
        direct.app.enqueue(connection, "user.created")
        connection.rollback()


@pytest.mark.parametrize("kind", ["psycopg", "psycopg2", "django", "psycopg, session", "psycopg2, session"])
def test_a_refusal_has_the_reason_and_the_code(direct: Direct, kind: str) -> None:
    app = Perdure("shop", api_key="tr_dev_unknown")
    with plain_connection(kind, direct.db.url) as connection:
        with pytest.raises(DirectModeError, match=r"^this database knows no such secret key") as caught:
            app.enqueue(connection, "user.created")
        assert caught.value.code == "JQ001"
        connection.rollback()
        with pytest.raises(DirectModeError, match="p_idempotency_key") as caught:
            direct.tidy.enqueue(connection, None, id="x" * 1001)
        assert caught.value.code == "JQ010"
        connection.rollback()


@pytest.mark.parametrize("kind", ["psycopg", "asyncpg, session"])
async def test_a_refusal_over_an_async_connection(direct: Direct, kind: str) -> None:
    app = Perdure("shop", api_key="tr_dev_unknown")
    async with async_connection(kind, direct.db.url) as connection:
        with pytest.raises(DirectModeError, match=r"^this database knows no such secret key") as caught:
            await app.enqueue(connection, "user.created")
        assert caught.value.code == "JQ001"
        await connection.rollback()


def test_a_database_without_perdure_is_told(direct: Direct, empty_db_url: str) -> None:
    with (
        psycopg.connect(empty_db_url) as connection,
        pytest.raises(DirectModeError, match="the one that the Perdure server uses"),
    ):
        direct.app.enqueue(connection, "user.created")


def test_errors_of_the_app_itself_pass_unchanged(direct: Direct) -> None:
    with psycopg.connect(direct.db.url) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("select 1 / 0")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            direct.app.enqueue(connection, "user.created")


@pytest.mark.parametrize("wrong", [object(), "postgresql://…", None])
def test_what_is_no_connection_is_refused(direct: Direct, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"no connection that Perdure knows.*django\.db\.connection"):
        direct.app.enqueue(wrong, "user.created")


def test_what_is_no_json_is_refused_before_anything_is_sent(direct: Direct) -> None:
    with psycopg.connect(direct.db.url) as connection:
        with pytest.raises(TypeError, match="payload"):
            direct.app.enqueue(connection, "user.created", object())
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
