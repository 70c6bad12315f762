"""Two connections at once, in a known order: the second waits for a lock of the first before that goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tests.support.database import Database
from tests.support.waiting import eventually

Value = TypeVar("Value")

TIMEOUT_S = 30.0


def wait_until_blocked(watcher: Database, *blocked: Database) -> None:
    """Return when the statements under way on these connections all wait for a lock.

    Args:
        watcher: a connection that is free.
        blocked: connections that are busy in other threads.
    """
    pids = {database.connection.info.backend_pid for database in blocked}
    query = "select distinct pid from pg_locks where not granted"
    eventually(
        lambda: pids <= {row.pid for row in watcher.rows(query)},
        what=f"backends {sorted(pids)} wait for locks",
    )


def blocked_until(db: Database, end: str, *calls: tuple[Database, Callable[[], Value]]) -> list[Value]:
    """Start calls that wait for the transaction open on ``db``; end that; return the calls' results.

    Args:
        db: has a transaction open, begun by a plain ``begin``.
        end: ``commit`` or ``rollback``.
        calls: each with the connection it uses; started one after the other, when the one before waits.
    Raises:
        AssertionError: a call does not wait.
        Exception: what the first call that fails raised.
    """
    with ThreadPoolExecutor(max_workers=len(calls)) as pool, Database(db.url) as watcher:
        futures: list[Future[Value]] = []
        try:
            for other, call in calls:
                _ = other.connection  # opened here, so that the watcher knows it
                futures.append(pool.submit(call))
                wait_until_blocked(watcher, other)
        finally:
            db.execute(end)
        return [future.result(timeout=TIMEOUT_S) for future in futures]
