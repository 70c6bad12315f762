"""Statements of ours, executed over whatever connection an app has: its driver is told by its class."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from perdure.errors import ConfigurationError
from perdure_postgres.errors import translated

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Driver(Enum):
    """How a connection is spoken to."""

    PSYCOPG = "psycopg"
    PSYCOPG_ASYNC = "psycopg, async"
    SQLALCHEMY = "SQLAlchemy"
    SQLALCHEMY_ASYNC = "SQLAlchemy, async"
    DJANGO = "Django"
    DBAPI = "DB-API"

    @property
    def is_async(self) -> bool:
        """True when calls must be awaited."""
        return self in (Driver.PSYCOPG_ASYNC, Driver.SQLALCHEMY_ASYNC)


_CLASSES = (
    ("psycopg", "AsyncConnection", Driver.PSYCOPG_ASYNC),
    ("psycopg", "Connection", Driver.PSYCOPG),
    ("sqlalchemy.ext.asyncio", "AsyncSession", Driver.SQLALCHEMY_ASYNC),
    ("sqlalchemy.ext.asyncio", "AsyncConnection", Driver.SQLALCHEMY_ASYNC),
    ("sqlalchemy.ext.asyncio", "async_scoped_session", Driver.SQLALCHEMY_ASYNC),
    ("sqlalchemy.orm", "Session", Driver.SQLALCHEMY),
    ("sqlalchemy.orm", "scoped_session", Driver.SQLALCHEMY),
    ("sqlalchemy", "Connection", Driver.SQLALCHEMY),
)


def find_driver(connection: object) -> Driver | None:
    """Which driver a connection or session belongs to; None when it is none of those that are supported."""
    for module, name, driver in _CLASSES:
        # A driver that nobody has imported cannot have made the connection.
        known = getattr(sys.modules.get(module), name, None)
        if known is not None and isinstance(connection, known):
            return driver
    if hasattr(connection, "in_atomic_block") and hasattr(connection, "cursor"):
        return Driver.DJANGO
    if callable(getattr(connection, "cursor", None)) and callable(getattr(connection, "commit", None)):
        return Driver.DBAPI
    return None


def driver_of(connection: object) -> Driver:
    """Which driver a connection or session belongs to.

    Raises:
        ConfigurationError: it is none of those that are supported.
    """
    driver = find_driver(connection)
    if driver is None:
        given = f"{type(connection).__module__}.{type(connection).__qualname__}"
        raise ConfigurationError(
            f"{given} is no connection that Perdure knows: pass one of psycopg (sync or async), a session or "
            "connection of SQLAlchemy, or django.db.connection"
        )
    return driver


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that gives one value, with ``{name}`` in the place of each parameter, and the parameters."""

    text: str
    parameters: Mapping[str, str | int | None]

    def execute(self, connection: Any) -> Any:
        """Execute over a connection that is not async; returns the value.

        Raises:
            DirectModeError: refused; the text names the fix.
        """
        driver = driver_of(connection)
        with translated(_login(connection, driver)):
            if driver is Driver.SQLALCHEMY:
                return connection.execute(self._for_sqlalchemy(), dict(self.parameters)).scalar_one()
            with connection.cursor() as cursor:
                cursor.execute(self._for_dbapi(), dict(self.parameters))
                return _only(cursor.fetchone())

    async def execute_async(self, connection: Any) -> Any:
        """Execute over an async connection; returns the value.

        Raises:
            DirectModeError: refused; the text names the fix.
        """
        driver = driver_of(connection)
        with translated(_login(connection, driver)):
            if driver is Driver.SQLALCHEMY_ASYNC:
                result = await connection.execute(self._for_sqlalchemy(), dict(self.parameters))
                return result.scalar_one()
            async with connection.cursor() as cursor:
                await cursor.execute(self._for_dbapi(), dict(self.parameters))
                return _only(await cursor.fetchone())

    def _for_dbapi(self) -> str:
        return _PLACEHOLDER.sub(r"%(\1)s", self.text)

    def _for_sqlalchemy(self) -> Any:
        return sys.modules["sqlalchemy"].text(_PLACEHOLDER.sub(r":\1", self.text))


def _only(row: Any) -> Any:
    return next(iter(row.values())) if isinstance(row, Mapping) else row[0]


def _login(connection: Any, driver: Driver) -> str | None:
    return str(connection.info.user) if driver in (Driver.PSYCOPG, Driver.PSYCOPG_ASYNC) else None
