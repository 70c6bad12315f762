"""Connections to Postgres: psycopg's, with a short way for the statements that are called all the time.

A cursor is made for any statement: it converts the query and each value, asks whether to prepare, and has the
event loop watch the socket anew. A hot statement is prepared once a connection, and its parameters are text.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, LiteralString, Protocol, TypeVar

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.abc import Transformer as Loaders
from psycopg.adapt import Transformer
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow

from .errors import in_our_words
from .line import Line

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")
Parameter = str | bytes | None

_CANCEL_S = 5.0  # for Postgres to end the call of a caller that is gone


class Statement(Generic[Row]):
    """A statement of a hot path.

    Args:
        name: of the prepared statement.
        query: with ``$1`` and so on; names its columns, so that a column added to a function changes nothing.
        row: makes a row of the columns, in the query's order.
    """

    def __init__(self, name: str, query: LiteralString, row: Callable[..., Row]) -> None:
        self.name = name.encode()
        self.query = query.encode()
        self.make_row: Callable[[Sequence[Any]], Row] = lambda columns: row(*columns)


class Database(Protocol):
    """What hot statements are called on: a connection, or a pool, which picks one."""

    def call(self, statement: Statement[Row], *parameters: Parameter) -> Awaitable[list[Row]]:
        """All rows of a statement; it is a transaction of its own, unless one is open on the connection.

        Args:
            statement: is prepared first where it has not been yet.
            parameters: as Postgres reads them; bytes are UTF-8.
        Raises:
            PerdureError: as ``errors.translate``. ``DatabaseUnavailable``: it may have been carried out.
            psycopg.Error: a mistake in our own SQL.
        """


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection for one caller at a time, who uses cursors or ``call``."""

    def __init__(self, pgconn: PGconn, *args: Any, **options: Any) -> None:
        super().__init__(pgconn, *args, **options)
        self.opened_at = time.monotonic()
        self._line = Line(pgconn)
        self._statements: dict[bytes, Loaders | None] = {}  # with what loads the columns, once they are known

    async def call(self, statement: Statement[Row], *parameters: Parameter) -> list[Row]:
        """As ``Database.call``. For a caller that is cancelled Postgres is asked to cancel the statement."""
        if not self.has_prepared(statement):
            await self._to_the_end(self._prepare(statement))
        return await self._to_the_end(self.begin(statement, parameters))

    def begin(
        self,
        statement: Statement[Row],
        parameters: Sequence[Parameter],
        on_end: Callable[[], None] = lambda: None,
    ) -> asyncio.Future[list[Row]]:
        """Begin a call in this turn of the event loop. It is carried out even if its future is cancelled.

        Args:
            statement: has been prepared.
            parameters: as for ``call``.
            on_end: called when the answer has been read to its end, or the connection is lost.
        """

        def send() -> None:
            self.pgconn.send_query_prepared(statement.name, list(map(_sent, parameters)))

        return self._exchange(send, lambda result: self._rows(statement, result), on_end)

    def has_prepared(self, statement: Statement[Any]) -> bool:
        """Whether ``begin`` can be called."""
        return statement.name in self._statements

    async def hear(self, on_notify: Callable[[str], None]) -> None:
        """Call ``on_notify`` with the payload of each notification, until the connection is lost.

        Raises:
            psycopg.OperationalError: it is.
        """
        await self._line.hear(on_notify)

    @property
    def has_news(self) -> bool:
        """Whether Postgres has said something unasked: it does when it stops, and hardly else."""
        return self._line.has_news

    @property
    def is_ready(self) -> bool:
        """Whether the next caller can use it: it is not lost, and nothing is under way or open on it."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    async def wait(self, gen: PQGen[RV], *args: Any, **options: Any) -> RV:
        """Wait as psycopg does, which has the event loop watch the socket itself, for this once."""
        self._line.leave()
        return await super().wait(gen, *args, **options)

    def finish(self) -> None:
        """Close it at once, whatever is under way."""
        self._line.leave()
        self.pgconn.finish()
        self._line.finish()
        self._statements.clear()  # their loaders refer to this connection

    async def close(self) -> None:
        """Close it, as ``finish`` does."""
        self.finish()
        await super().close()

    def _prepare(self, statement: Statement[Any]) -> asyncio.Future[None]:
        def send() -> None:
            self.pgconn.send_prepare(statement.name, statement.query)

        return self._exchange(send, lambda _: self._statements.update({statement.name: None}))

    def _exchange(
        self,
        send: Callable[[], None],
        read: Callable[[PGresult], Outcome],
        on_end: Callable[[], None] = lambda: None,
    ) -> asyncio.Future[Outcome]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def on_answer(result: PGresult | None, error: psycopg.Error | None) -> None:
            if future.done():  # its caller was cancelled
                pass
            elif result is None or error is not None:
                future.set_exception(in_our_words(error or psycopg.InternalError("no result came")))
            else:
                try:
                    future.set_result(read(result))
                except Exception as mistake:  # nobody but the caller would hear of it
                    future.set_exception(mistake)
            on_end()

        try:
            send()
            self._line.answer(on_answer)
        except Exception as error:
            future.set_exception(in_our_words(error) if isinstance(error, psycopg.Error) else error)
            on_end()
        return future

    def _rows(self, statement: Statement[Row], result: PGresult) -> list[Row]:
        loaders = self._statements[statement.name]
        if loaders is None:
            self._statements[statement.name] = loaders = Transformer(self)
            loaders.set_pgresult(result)
        else:
            loaders.set_pgresult(result, set_loaders=False)
        rows = loaders.load_rows(0, result.ntuples, statement.make_row)
        loaders.set_pgresult(None, set_loaders=False)
        return rows

    async def _to_the_end(self, future: asyncio.Future[Outcome]) -> Outcome:
        try:
            return await future
        except asyncio.CancelledError:
            await self._cancel()
            raise

    async def _cancel(self) -> None:
        """Have Postgres cancel what is under way, and read to its end; else close the connection."""
        if not self._line.is_busy:
            return
        ended = asyncio.Event()
        try:
            self._line.answer(lambda *_: ended.set())
            async with asyncio.timeout(_CANCEL_S):
                await self.cancel_safe(timeout=_CANCEL_S)
                await ended.wait()
        except (psycopg.Error, TimeoutError):
            pass
        finally:
            if self._line.is_busy:
                self.finish()


def _sent(parameter: Parameter) -> bytes | None:
    if not isinstance(parameter, str):
        return parameter
    if "\0" in parameter:  # libpq would send what is before it
        raise psycopg.DataError("a text for Postgres cannot contain NUL")
    return parameter.encode()
