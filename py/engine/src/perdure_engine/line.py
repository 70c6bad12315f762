"""A connection's socket at the event loop: one exchange with Postgres at a time, by libpq itself."""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Answered = Callable[[PGresult | None, psycopg.Error | None], None]
"""Gets the result, or the error in place of it. When the connection is lost nobody knows how it ended."""


class Line:
    """The way to Postgres and back. The event loop watches the socket from one exchange to the next.

    Args:
        pgconn: non-blocking. What is sent on it directly is answered by ``answer``.
    """

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._loop = asyncio.get_running_loop()
        self._watched: int | None = None  # the socket
        self._on_answer: Answered | None = None
        self._result: PGresult | None = None
        self._look = _look_at(pgconn.socket)

    @property
    def has_news(self) -> bool:
        """Whether there is something to read, be it the end."""
        return bool(self._look())

    @property
    def is_busy(self) -> bool:
        """Whether an answer has not been read to its end."""
        return self._on_answer is not None

    def answer(self, on_answer: Answered) -> None:
        """Send what is left to send, and call ``on_answer`` when the answer has been read to its end.

        Until then this may be called again, so that another gets the answer, but nothing else may be sent.

        Raises:
            psycopg.Error: the connection is lost.
        """
        if self._watched is None:
            self._watch(self._read)
        if self._pgconn.flush():
            self._loop.add_writer(self._pgconn.socket, self._write)
        self._on_answer = on_answer

    async def hear(self, on_notify: Callable[[str], None]) -> None:
        """Call ``on_notify`` with the payload of each notification, until the connection is lost.

        Raises:
            psycopg.OperationalError: it is.
        """
        lost: asyncio.Future[None] = self._loop.create_future()

        def tell() -> bool:
            while notification := self._pgconn.notifies():
                on_notify(notification.extra.decode())
            return False

        def read() -> None:
            try:
                self._take(tell)
            except psycopg.Error as error:
                self.leave()
                if not lost.done():  # done: the listener was cancelled
                    lost.set_exception(error)

        self.leave()
        self._watch(read)
        try:
            await lost
        finally:
            self.leave()

    def leave(self) -> None:
        """The event loop is to leave the socket alone, until the next exchange."""
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._loop.remove_writer(self._watched)
            self._watched = None

    def finish(self) -> None:
        """The connection was closed: whoever waits for an answer is told."""
        self._lose(psycopg.OperationalError("the connection was closed"))

    def _watch(self, read: Callable[[], None]) -> None:
        self._watched = self._pgconn.socket
        self._loop.add_reader(self._watched, read)

    def _read(self) -> None:
        """Take what has come; called by the event loop."""
        if self._on_answer is None:  # said unasked: has_news
            self.leave()
            return
        try:
            if self._take(self._is_answered):
                self._settle(None)
        except psycopg.Error as error:
            self._lose(error)

    def _take(self, is_all: Callable[[], bool]) -> bool:
        """Take what has come until it is all, or nothing more is there; returns whether it is all.

        The event loop may not call again for what is left: when a connection ends with an error, uvloop calls
        once and never again, also where Postgres's last words are to be read before that end.
        """
        self._pgconn.consume_input()
        while not (found := is_all()) and self.has_news:
            self._pgconn.consume_input()
        return found

    def _is_answered(self) -> bool:
        while not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None:
                return True
            if self._result is None or result.status == ExecStatus.FATAL_ERROR:
                self._result = result  # after rows it is their commit that failed
        return False

    def _write(self) -> None:
        """Send what is left of something large; called by the event loop."""
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._pgconn.socket)
        except psycopg.Error as error:
            self._lose(error)

    def _lose(self, error: psycopg.Error) -> None:
        self.leave()
        last_words = self._result is not None and self._result.status == ExecStatus.FATAL_ERROR
        self._settle(None if last_words else error)

    def _settle(self, error: psycopg.Error | None) -> None:
        on_answer, result = self._on_answer, self._result
        self._on_answer = self._result = None
        if error is None and result is not None and result.status == ExecStatus.FATAL_ERROR:
            error = psycopg.errors.error_from_result(result)
        if on_answer is not None:
            on_answer(result, error)


def _look_at(descriptor: int) -> Callable[[], Any]:
    if not hasattr(select, "poll"):  # Windows
        return lambda: select.select([descriptor], [], [], 0)[0]
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return lambda: poll.poll(0)
