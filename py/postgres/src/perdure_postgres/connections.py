"""Where ``io.transaction`` gets its connections, and how a transaction of each kind is begun."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any

from perdure.errors import ConfigurationError, MissingSetting
from perdure_postgres.statement import Driver, driver_of, find_driver

DATABASE_URL_VARIABLE = "PERDURE_DATABASE_URL"


def open_connection(database: Any, *, is_async: bool) -> Any:
    """A context manager that gives a connection.

    Args:
        database: what ``Perdure(database=...)`` got: a URL; a pool or engine; a function that returns a
            context manager, such as a pool's ``connection`` or SQLAlchemy's ``sessionmaker``; Django's
            ``connection``. None: ``PERDURE_DATABASE_URL``.
        is_async: whether the function that gets the connection is async.
    Raises:
        ConfigurationError: this database gives no connections of that kind.
        MissingSetting: there is no database.
    """
    if database is None:
        database = os.environ.get(DATABASE_URL_VARIABLE)
        if not database:
            raise MissingSetting(
                f"{DATABASE_URL_VARIABLE} is not set: io.transaction needs the app's Postgres there, or as "
                "Perdure(..., database=...)"
            )
    if isinstance(database, str):
        return _connect_async(database) if is_async else _connect(database)
    kind = find_driver(database)
    if kind is Driver.DJANGO:
        opened: Any = _django(database)
    elif kind is not None:
        raise ConfigurationError(
            "Perdure(database=...) got one connection, and each task needs its own: pass a function that "
            "gives a fresh one, such as a pool's `connection` or a sessionmaker"
        )
    elif callable(getattr(database, "connection", None)):  # a pool of psycopg
        opened = database.connection()
    elif callable(getattr(database, "connect", None)):  # an engine of SQLAlchemy
        opened = database.connect()
    elif callable(database):
        opened = database()
    else:
        raise ConfigurationError(
            "Perdure(database=...) must be a URL, a pool, an engine or a function that gives a connection, "
            f"not {type(database).__name__}"
        )
    if hasattr(type(opened), "__aenter__" if is_async else "__enter__"):
        return opened
    if hasattr(type(opened), "__aenter__"):
        raise ConfigurationError(
            "the database of this app gives async connections: make io.transaction's function async def"
        )
    if hasattr(type(opened), "__enter__"):
        if callable(getattr(opened, "close", None)):
            opened.close()
        raise ConfigurationError(
            "the database of this app gives plain connections: make io.transaction's function a plain def"
        )
    raise ConfigurationError(
        f"Perdure(database=...) gave a {type(opened).__name__}, which is no context manager of a connection: "
        "pass for example a pool's `connection`, without calling it"
    )


def begin(connection: Any) -> AbstractContextManager[Any]:
    """A transaction that commits at the end of the block, or is rolled back by what leaves it.

    Raises:
        ConfigurationError: the connection is within a transaction already.
    """
    driver = driver_of(connection)
    if driver is Driver.PSYCOPG:
        _check_idle(connection)
        transaction: AbstractContextManager[Any] = connection.transaction()
    elif driver is Driver.SQLALCHEMY:
        transaction = connection.begin()
    elif driver is Driver.DJANGO:
        # durable: an enclosing block, such as that of ATOMIC_REQUESTS, would commit too late.
        atomic = sys.modules["django.db.transaction"].atomic
        transaction = atomic(using=connection.alias, durable=True)
    elif driver is Driver.DBAPI:
        transaction = _dbapi_transaction(connection)
    else:
        raise ConfigurationError(f"{driver.value}: this connection needs an async function")
    return transaction


def begin_async(connection: Any) -> AbstractAsyncContextManager[Any]:
    """The same for an async connection."""
    driver = driver_of(connection)
    if driver is Driver.PSYCOPG_ASYNC:
        _check_idle(connection)
        transaction: AbstractAsyncContextManager[Any] = connection.transaction()
    elif driver is Driver.SQLALCHEMY_ASYNC:
        transaction = connection.begin()
    else:
        raise ConfigurationError(f"{driver.value}: this connection needs a plain function")
    return transaction


@contextmanager
def _django(connection: Any) -> Iterator[Any]:
    """Django has a connection for each thread and closes old ones with a request, which this may not be."""
    connection.close_if_unusable_or_obsolete()
    was_open = connection.connection is not None
    try:
        yield connection
    finally:
        if not was_open:
            connection.close_if_unusable_or_obsolete()


@contextmanager
def _connect(url: str) -> Iterator[Any]:
    import psycopg  # not before: it needs libpq, and an app with another driver may have none

    with psycopg.connect(_for_libpq(url)) as connection:
        yield connection


@asynccontextmanager
async def _connect_async(url: str) -> AsyncIterator[Any]:
    import psycopg

    async with await psycopg.AsyncConnection.connect(_for_libpq(url)) as connection:
        yield connection


def _for_libpq(url: str) -> str:
    """``postgresql+psycopg://…``, as SQLAlchemy has it, without the driver."""
    scheme, separator, rest = url.partition("://")
    return scheme.split("+")[0] + separator + rest if separator else url


def _check_idle(connection: Any) -> None:
    if connection.info.transaction_status != 0:  # IDLE of libpq
        raise ConfigurationError(
            "io.transaction got a connection that is within a transaction already, which would be committed "
            "too late. Give it fresh connections, such as those of a pool"
        )


@contextmanager
def _dbapi_transaction(connection: Any) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
