"""Connections to Postgres for the server and the dispatcher."""

import asyncio
import logging
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from .adapters import engine_adapters
from .driver import Connection as Connection
from .driver import Parameter, Row, Statement
from .errors import DatabaseUnavailable, InvalidArgument, NotMigrated, translated

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0
_LONGEST_IDLE_S = 600.0
_LONGEST_LIFE_S = 3600.0  # what a backend remembers grows with its age
_CLOSED = "the connection pool is closed"

CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": _CONNECT_TIMEOUT_S,
    # A peer that vanished without a word is noticed within about a minute, also while we only listen.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # ms; keepalives do not count while a call is on its way
}
"""Options of libpq for every connection of ours."""


def check_url(url: str) -> None:
    """Refuse a connection string that libpq misreads: its own errors would quote parts of the password.

    Raises:
        InvalidArgument: does not quote it.
    """
    try:
        parts = conninfo_to_dict(url)
        readable = str(parts.get("host", "")).rfind("@") < 1 and re.fullmatch(
            r"[0-9,]*", str(parts.get("port", ""))
        )
    except psycopg.ProgrammingError:
        readable = None
    if not readable:
        raise InvalidArgument(
            "the database URL is no connection string (not shown: it may hold a password): write "
            "postgresql://user:password@host:5432/name, with %40 for @, %2F for / and so on"
        )


class Pool:
    """Connections that outlive restarts of Postgres.

    The one that came back last is handed out first, so that a lone caller always meets a warm one. One on
    which Postgres has said something meanwhile, as it does when it stops, is not used again, nor are all that
    are idle then: after a restart they are all dead. The caller gets a new one, and only notices that it
    waited. A silent one is not asked, that would be a round trip for each use: a peer that vanished without a
    word is what keepalives are for (``CONNECTION_OPTIONS``).

    Args:
        connect: opens a connection.
        first: one that is open already.
        max_size: most connections.
        wait_s: seconds that a caller waits for one, unless it says otherwise.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], first: Connection, *, max_size: int, wait_s: float
    ) -> None:
        self._connect = connect
        self._max_size = max_size
        self._wait_s = wait_s
        self._size = 1  # connections, and those that are being opened
        self._idle = [(first, time.monotonic())]  # and since when; the longest first
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._trimming: asyncio.TimerHandle | None = None
        self._is_closed = False

    def connection(self, timeout: float | None = None) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection, in autocommit: ``async with pool.connection() as conn``.

        Args:
            timeout: seconds to wait for one.
        Raises:
            DatabaseUnavailable: there was none in time, or the pool is closed.
        """
        return _Loan(self, self._wait_s if timeout is None else timeout)

    def call(self, statement: Statement[Row], *parameters: Parameter) -> asyncio.Future[list[Row]]:
        """As ``Database.call``, on a connection of its own; if one is idle, in this turn of the event loop.

        Then it is carried out even if its caller is cancelled. Borrow a connection for a claim, of which
        nobody would know.
        """
        conn = self._idle_one()
        if conn is None:
            return asyncio.ensure_future(self._call(statement, parameters))
        if not conn.has_prepared(statement):
            self._hand_on(conn)
            return asyncio.ensure_future(self._call(statement, parameters))
        return conn.begin(statement, parameters, lambda: self.give_back(conn))

    async def take(self, wait_s: float) -> Connection:
        """A connection for the caller alone; ``connection`` calls this and ``give_back``.

        Raises:
            DatabaseUnavailable: there was none in time, or the pool is closed.
        """
        return self._idle_one() or await self._wait(wait_s)

    def give_back(self, conn: Connection) -> None:
        """For others to use, if it still can be used."""
        if self._is_closed or not conn.is_ready or time.monotonic() - conn.opened_at > _LONGEST_LIFE_S:
            self._discard(conn)
            self._grow()
        else:
            self._hand_on(conn)

    async def close(self) -> None:
        """Close all connections; one in use when it comes back."""
        self._is_closed = True
        if self._trimming is not None:
            self._trimming.cancel()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(DatabaseUnavailable(_CLOSED))
        self._discard(*(conn for conn, _ in self._idle))
        self._idle.clear()
        for opening in self._opening:
            opening.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(self, statement: Statement[Row], parameters: Sequence[Parameter]) -> list[Row]:
        async with self.connection() as conn:
            return await conn.call(statement, *parameters)

    def _idle_one(self) -> Connection | None:
        if not self._idle:
            return None
        conn, _ = self._idle.pop()
        if not conn.has_news:
            return conn
        self._discard(conn, *(idle for idle, _ in self._idle))
        self._idle.clear()
        return None

    def _hand_on(self, conn: Connection) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():  # done: its caller was cancelled
                waiting.set_result(conn)
                return
        self._idle.append((conn, time.monotonic()))

    async def _wait(self, wait_s: float) -> Connection:
        if self._is_closed:
            raise DatabaseUnavailable(_CLOSED)
        waiting: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._grow()
        try:
            async with asyncio.timeout(wait_s):
                return await waiting
        except BaseException as error:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif not waiting.cancelled() and waiting.exception() is None:
                self.give_back(waiting.result())  # it came in this very moment
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable(f"no connection to Postgres within {wait_s:g} s") from error
            raise

    def _grow(self) -> None:
        """Open a connection for each caller who waits, as far as there is room."""
        while self._size < self._max_size and len(self._opening) < len(self._waiting) and not self._is_closed:
            self._size += 1
            opening = asyncio.create_task(self._open())
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        """Open a connection, however often it takes, as long as somebody waits."""
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                conn = await self._connect()
            except Exception as error:
                _log.warning("cannot connect to Postgres; next try in about %.1f s: %s", pause_s, error)
            else:
                self._hand_on(conn)
                if self._trimming is None:
                    self._trim()
                return
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311  # not all at once
            pause_s = min(pause_s * 2, _LONGEST_RETRY_S)
            if not self._waiting:
                self._size -= 1
                return

    def _trim(self) -> None:
        """Close what nobody has used for long, now and later, but for one."""
        while self._size > 1 and self._idle and time.monotonic() - self._idle[0][1] > _LONGEST_IDLE_S:
            self._discard(self._idle.pop(0)[0])
        again = self._size > 1
        loop = asyncio.get_running_loop()
        self._trimming = loop.call_later(_LONGEST_IDLE_S, self._trim) if again else None

    def _discard(self, *conns: Connection) -> None:
        for conn in conns:
            self._size -= 1
            conn.finish()


class _Loan:
    """A connection from the pool, for the length of a block."""

    __slots__ = ("_conn", "_pool", "_wait_s")

    def __init__(self, pool: Pool, wait_s: float) -> None:
        self._pool = pool
        self._wait_s = wait_s

    async def __aenter__(self) -> Connection:
        self._conn = await self._pool.take(self._wait_s)
        return self._conn

    async def __aexit__(self, *_: object) -> None:
        self._pool.give_back(self._conn)


async def open_pool(
    url: str,
    *,
    role: str,
    max_size: int = 8,
    application_name: str,
    wait_s: float = 30.0,
    patience_s: float | None = None,
) -> Pool:
    """Open a pool whose connections act as ``role``, in autocommit, with the adapters of this package.

    Args:
        url: where to connect; its login must be a member of ``role``.
        role: set on every connection, such as ``perdure_server``.
        max_size: most connections; they are opened as they are needed.
        application_name: shown in ``pg_stat_activity``.
        wait_s: seconds to wait for Postgres to be there at all.
        patience_s: seconds that a caller waits for a connection later; as ``wait_s`` when absent.
    Returns: the open pool; close it with ``await pool.close()`` or use it as an async context manager.
    Raises:
        InvalidArgument: the URL cannot be read.
        DatabaseUnavailable: Postgres did not answer within ``wait_s``.
        NotMigrated: the role does not exist.
        psycopg.errors.InsufficientPrivilege: the login is no member of the role.
    """
    check_url(url)
    set_role = sql.SQL("set role {}").format(sql.Identifier(role))
    options = {**CONNECTION_OPTIONS, "application_name": application_name, "autocommit": True}
    options |= {"context": engine_adapters(), "prepare_threshold": None}  # else it may say `deallocate all`

    async def connect() -> Connection:
        with translated():
            conn = await Connection.connect(url, **options)
            try:
                await conn.execute(set_role)
            except BaseException:
                conn.finish()
                raise
        return conn

    # The first one here: the pool would repeat a mistake in the configuration in vain.
    first = await _first_connection(connect, wait_s)
    return Pool(connect, first, max_size=max_size, wait_s=wait_s if patience_s is None else patience_s)


async def _first_connection(connect: Callable[[], Awaitable[Connection]], wait_s: float) -> Connection:
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_RETRY_S
    while True:
        try:
            return await connect()
        except DatabaseUnavailable:
            if time.monotonic() + pause_s > deadline:
                raise
        except psycopg.errors.InvalidParameterValue as error:
            raise NotMigrated(
                f"{error.diag.message_primary}: run `perdure migrate` on this database"
            ) from error
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_RETRY_S)
