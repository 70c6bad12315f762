"""A command's own connection to Postgres, for what only an administrator may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from perdure_engine.pool import Connection, open_pool
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import CommandFailed

OWNER = "perdure_owner"
SERVER = "perdure_server"
DISPATCHER = "perdure_dispatcher"

_PATIENCE_S = 5.0

Value = TypeVar("Value")


def database_of(url: str | None, data_dir: Path) -> str:
    """The URL of the database that is meant: the given one, else that of ``perdure dev`` in ``data_dir``.

    Raises:
        CommandFailed: none is given, and none runs there.
    """
    found = url or DevFiles(data_dir).running_database()
    if found is None:
        raise CommandFailed(
            "give the Postgres that is meant (--database-url or PERDURE_DATABASE_URL), or call this where "
            "`perdure dev` runs."
        )
    return found


def run_in_database(url: str, role: str, work: Callable[[Connection], Awaitable[Value]]) -> Value:
    """Do some work on a connection that acts as ``role``.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
        NotMigrated: it is not Perdure's.
        psycopg.errors.InsufficientPrivilege: the login may not act as this role.
    """

    async def connect_and_work() -> Value:
        async with _connection(url, role) as conn:
            return await work(conn)

    return asyncio.run(connect_and_work())


@asynccontextmanager
async def _connection(url: str, role: str) -> AsyncIterator[Connection]:
    pool = await open_pool(url, role=role, max_size=1, application_name="perdure command", wait_s=_PATIENCE_S)
    async with pool, pool.connection() as conn:
        yield conn
