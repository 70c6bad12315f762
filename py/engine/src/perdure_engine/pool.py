"""Connections to Postgres for the server and the dispatcher."""

import asyncio
import re
import select
import time
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from .adapters import engine_adapters
from .errors import DatabaseUnavailable, InvalidArgument, NotMigrated, translated

Connection = psycopg.AsyncConnection[TupleRow]

_CONNECT_TIMEOUT_S = 5
_ROUND_S = 4.0  # a caller that waits for a connection asks for a new attempt this often
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0

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


class Pool(AsyncConnectionPool[Connection]):
    """A pool that outlives restarts of Postgres.

    A connection on which Postgres has said something meanwhile, as it does when it stops, is tried before
    it is handed out. When one turns out dead, all idle ones are replaced, since after a restart they are all
    dead, and the caller gets a new one: it only notices that it waited.
    Nothing but ``DatabaseUnavailable`` is raised for want of a connection. Use ``async with
    pool.connection() as conn``.
    """

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109  # the base's
        """A connection that answers; ``connection()`` calls this.

        Args:
            timeout: seconds to wait for one; the pool's ``timeout`` when absent.
        Raises:
            DatabaseUnavailable: there was none in time, or the pool is closed.
        """
        patience_s = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + patience_s
        while True:
            left_s = deadline - time.monotonic()
            try:
                return await super().getconn(timeout=min(left_s, _ROUND_S))
            except PoolTimeout as error:
                if time.monotonic() >= deadline:
                    raise DatabaseUnavailable(f"no connection to Postgres within {patience_s:g} s") from error
            except PoolClosed as error:
                raise DatabaseUnavailable("the connection pool is closed") from error

    async def replace_if_dead(self, conn: Connection) -> None:
        """Check a connection before use; on failure replace all idle ones and pass the error on.

        A silent one is not asked: that would be a round trip for each use. A peer that vanished without a
        word is what keepalives are for (``CONNECTION_OPTIONS``).
        """
        if not _has_news(conn.fileno()):
            return
        try:
            await self.check_connection(conn)
        except psycopg.OperationalError:
            await self.drain()
            raise


async def open_pool(
    url: str,
    *,
    role: str,
    min_size: int = 1,
    max_size: int = 8,
    application_name: str,
    wait_s: float = 30.0,
) -> Pool:
    """Open a pool whose connections act as ``role``, in autocommit, with the adapters of this package.

    Args:
        url: where to connect; its login must be a member of ``role``.
        role: set on every connection, such as ``perdure_server``.
        min_size: connections to keep open.
        max_size: most connections.
        application_name: shown in ``pg_stat_activity``.
        wait_s: seconds to wait for Postgres to be there at all, and later for a free connection.
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
    options["context"] = engine_adapters()

    async def configure(conn: Connection) -> None:
        await conn.execute(set_role)

    async def check(conn: Connection) -> None:
        await pool.replace_if_dead(conn)

    # A first connection by hand: the pool would repeat a mistake in the configuration in vain and in silence.
    await _first_connection(url, options, set_role, wait_s)
    pool = Pool(
        url,
        kwargs=options,
        min_size=min_size,
        max_size=max_size,
        open=False,
        configure=configure,
        check=check,
        name=application_name,
        timeout=wait_s,
        reconnect_timeout=_ROUND_S,  # then give up; the next round of a waiting caller begins anew
    )
    await pool.open()
    return pool


def _has_news(descriptor: int) -> bool:
    """Whether there is something to read, be it the end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])  # Windows


async def _first_connection(url: str, options: dict[str, Any], set_role: sql.Composed, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_RETRY_S
    while True:
        try:
            with translated():
                async with await psycopg.AsyncConnection.connect(url, **options) as conn:
                    await conn.execute(set_role)
                    return
        except DatabaseUnavailable:
            if time.monotonic() + pause_s > deadline:
                raise
        except psycopg.errors.InvalidParameterValue as error:
            raise NotMigrated(
                f"{error.diag.message_primary}: run `perdure migrate` on this database"
            ) from error
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_RETRY_S)
