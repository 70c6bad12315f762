"""A migrator's connection: one at a time in a database, patient, and with errors that name the file."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

import psycopg

from perdure_engine.errors import MigrationFailed, MigrationRefused, translated
from perdure_engine.pool import CONNECTION_OPTIONS, check_url

from .state import Connection
from .step import Statement, Step

Echo = Callable[[str], None]

_LOCK = 0x7065726475726531  # "perdure1": the key of the advisory lock
_POLL_S = 0.2


@contextmanager
def migration_session(url: str, *, echo: Echo, lock_wait_s: float) -> Iterator[Connection]:
    """Connect and hold the migrators' lock.

    Args:
        url: the database; not through a pooler that shares connections.
        echo: told when another migrator is at work.
        lock_wait_s: seconds to wait for it.
    Raises:
        DatabaseUnavailable: no connection.
        MigrationRefused: another migrator was at work all the time.
    """
    with open_connection(url) as conn:
        _take_lock(conn, echo, lock_wait_s)
        try:
            yield conn
        finally:
            with suppress(psycopg.Error):  # a lost connection has let go already
                conn.execute("select pg_advisory_unlock(%s)", [_LOCK])


@contextmanager
def open_connection(url: str) -> Iterator[Connection]:
    """A connection in autocommit, without the lock.

    Raises:
        InvalidArgument: the URL cannot be read.
        DatabaseUnavailable: no connection.
    """
    check_url(url)
    with (
        translated(),
        psycopg.connect(
            url, autocommit=True, application_name="perdure migrate", **CONNECTION_OPTIONS
        ) as conn,
    ):
        conn.execute("set client_min_messages = warning")
        conn.execute("set statement_timeout = 0")
        yield conn


def run_step(conn: Connection, step: Step) -> None:
    """Carry out one step.

    Raises:
        MigrationFailed: with the file and the line.
    """
    with conn.transaction() if step.in_transaction else nullcontext():
        for statement in step.statements:
            try:
                conn.execute(statement.text.encode())
            except psycopg.Error as error:
                raise MigrationFailed(_describe(step, statement, error)) from error


def _take_lock(conn: Connection, echo: Echo, lock_wait_s: float) -> None:
    # Asks again and again: a statement that waits in pg_advisory_lock holds a snapshot, for which a
    # `create index concurrently` of the migrator at work would wait in turn.
    deadline = time.monotonic() + lock_wait_s
    told = False
    while True:
        row = conn.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
        if row and row[0]:
            return
        if time.monotonic() > deadline:
            raise MigrationRefused(
                f"another migrator has been at work in this database for {lock_wait_s:g} s: wait for it to "
                f"end, or look for a connection named 'perdure migrate' in pg_stat_activity."
            )
        if not told:
            echo("-- another migrator is at work; waiting for it")
            told = True
        time.sleep(_POLL_S)


def _describe(step: Step, statement: Statement, error: psycopg.Error) -> str:
    place = statement.origin or statement.text
    if statement.origin and error.diag.statement_position:
        line = statement.text.count("\n", 0, int(error.diag.statement_position) - 1) + 1
        place += f", line {line}"
    lines = [f"{step.title} failed in {place}: {error.diag.message_primary or error}"]
    lines += [
        part for part in (error.diag.message_detail, error.diag.message_hint, error.diag.context) if part
    ]
    undone = (
        "Nothing of this step was kept" if step.in_transaction else "Parts of this step may have been kept"
    )
    return "\n".join([*lines, f"{undone}; put it right and migrate again."])
