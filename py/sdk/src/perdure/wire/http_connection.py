"""One kept-alive HTTP/1.1 connection on asyncio, carrying one request at a time."""

from __future__ import annotations

import asyncio
import select
from typing import cast

from perdure.wire.http_answer import AnswerParser, ConnectionFailed, HttpError, HttpResponse


class Connection(asyncio.Protocol):
    """Sends a request, reads its answer, and can be used again while ``usable``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: AnswerParser | None = None
        self._answer: asyncio.Future[HttpResponse] | None = None
        self.usable = False
        """True when the connection is open and idle."""
        self.idle_since = 0.0
        """Loop time at which the last answer was complete."""

    async def exchange(self, request: bytes, parser: AnswerParser) -> HttpResponse:
        """Send a whole request and wait for its answer. When this is cancelled the connection is cut.

        Raises:
            HttpError: the connection broke, or the answer is malformed or too large.
        """
        if self._transport is None or not self.usable:
            raise ConnectionFailed("the connection was closed before any answer came")
        loop = asyncio.get_running_loop()
        self._parser, self._answer, self.usable = parser, loop.create_future(), False
        try:
            self._transport.write(request)
            response = await self._answer
        except BaseException:
            self.abort()
            raise
        if parser.reusable and not self._transport.is_closing():
            self._parser = self._answer = None
            self.usable, self.idle_since = True, loop.time()
        else:
            self.abort()
        return response

    def still_good(self) -> bool:
        """True when an idle connection may carry a request: open, and silent.

        Asks the kernel, for the event loop may not have seen the peer's close yet (above all on a serverless
        host that was frozen meanwhile), and a request written after it would be lost.
        """
        if not self.usable or self._transport is None:
            return False
        handle = self._transport.get_extra_info("socket")
        return handle is not None and not _has_news(handle.fileno())

    def abort(self) -> None:
        """Cut the connection at once, without waiting for anything."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._parser is None or self._answer is None or self._answer.done():
            self.abort()  # bytes that nobody asked for
            return
        try:
            response = self._parser.feed(data)
        except HttpError as error:
            self._answer.set_exception(error)
            return
        if response is not None:
            self._answer.set_result(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self.usable = False
        if self._parser is None or self._answer is None or self._answer.done():
            return
        try:
            if exc is not None:
                raise ConnectionFailed(f"the connection broke before the answer was complete: {exc}") from exc
            self._answer.set_result(self._parser.close())
        except ConnectionFailed as error:
            self._answer.set_exception(error)


def _has_news(descriptor: int) -> bool:
    """True when there is something to read, be it the end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])  # Windows
