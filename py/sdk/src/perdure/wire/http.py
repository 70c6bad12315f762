"""The lean HTTP client of the hot paths: platform to endpoint, SDK to API.

Connections are our own, as was measured (ADR 0003).
"""

from __future__ import annotations

import asyncio
import random
import re
import select
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol, cast
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_MAX_HEAD_BYTES = 64 * 1024
_CLOSED = "the connection was closed before the answer was complete"


class HttpError(Exception):
    """No usable answer came back, though the request may have had its effect."""


class ConnectionFailed(HttpError):
    """No connection, or it broke before the answer was complete."""


class RequestTimedOut(HttpError):
    """The answer was not complete in time."""


class ResponseTooLarge(HttpError):
    """The answer is larger than allowed; the rest of it was not read."""


class HttpResponse(NamedTuple):
    """An answer read to its end; header names are lower case, of repeated headers the first counts."""

    status: int
    headers: dict[str, str]
    body: bytes


class AnswerParser:
    """Takes bytes as they come and yields one answer. Not for HEAD, whose answers announce a body.

    ``expect`` comes first, and again after an answer that leaves the connection ``reusable``.
    """

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self.on_header = self._fields.setdefault  # called by httptools; quicker than a method
        self._parser = HttpResponseParser(self)

    def expect(self, *, max_body_bytes: int, on_piece: Callable[[bytes], None] | None = None) -> None:
        """An answer is to come; ``on_piece`` as for ``HttpClient.request``."""
        self._max_body_bytes = max_body_bytes
        self._on_piece = on_piece
        self._fields.clear()
        self._headers: dict[str, str] = {}
        self._head_bytes: int | None = 0  # None: the head is complete
        self._body = bytearray()
        self._ends_with_connection = False
        self._complete = False
        self._failure: HttpError | None = None
        self.reusable = False
        """True when the connection may carry another request after this answer."""

    def feed(self, data: bytes) -> HttpResponse | None:
        """Take the next bytes; return the answer when it is complete.

        Raises:
            HttpError: this is not an HTTP/1.1 answer, or too large.
        """
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as error:
            raise ConnectionFailed("the answer switches protocols, which was not asked for") from error
        except HttpParserError as error:
            if self._failure is not None:
                raise self._failure from None
            if not self._complete:
                raise ConnectionFailed(f"the answer is not HTTP/1.1: {error}") from error
            self.reusable = False  # more than was asked for came
        if self._complete:
            return self._answer()
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                raise ConnectionFailed(f"the answer's headers are larger than {_MAX_HEAD_BYTES} bytes")
        return None

    def close(self) -> HttpResponse:
        """The peer closed the connection; return the answer if the close is its proper end.

        Raises:
            ConnectionFailed: the answer is not complete.
        """
        if self._ends_with_connection:
            return self._answer()
        raise ConnectionFailed(_CLOSED)

    def _answer(self) -> HttpResponse:
        return HttpResponse(self._parser.get_status_code(), self._headers, bytes(self._body))

    # Called by httptools

    def on_message_begin(self) -> None:
        """A second answer nobody asked for, or one after an interim answer such as 103."""
        if self._complete:
            self._fail(ConnectionFailed("the answer is followed by another"))

    def on_headers_complete(self) -> None:
        """Refuse early what is announced to be too large."""
        self._head_bytes = None
        self._headers = {  # backwards: the first of repeated ones counts
            _lower(name): value.decode("latin-1") for name, value in reversed(self._fields.items())
        }
        length = self._headers.get("content-length")
        if length is not None:
            self._check_size(int(length))
        elif "transfer-encoding" not in self._headers:
            self._ends_with_connection = self._parser.get_status_code() not in (204, 304)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._on_piece is not None and self._parser.get_status_code() == 200:
            self._on_piece(body)
            return
        self._check_size(len(self._body) + len(body))
        self._body += body

    def on_message_complete(self) -> None:
        """The end, unless this was an interim answer."""
        if 100 <= self._parser.get_status_code() < 200:
            self._fields.clear()
            self._head_bytes, self._ends_with_connection = 0, False
            return
        self.reusable = self._parser.should_keep_alive()
        self._complete, self._on_piece = True, None

    def _check_size(self, size: int) -> None:
        if size > self._max_body_bytes:
            self._fail(
                ResponseTooLarge(f"the answer is larger than the {self._max_body_bytes} bytes allowed")
            )

    def _fail(self, failure: HttpError) -> None:
        """Leave the parser: it passes on that a callback raised, not what."""
        self._failure = None if self._complete else failure
        raise failure


@lru_cache(maxsize=200)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Connection(asyncio.Protocol):
    """Sends a request, reads its answer, and can be used again while ``usable``."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = AnswerParser()
        self._answer: asyncio.Future[HttpResponse] | None = None
        self._give_up_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._has_news: Callable[[], object] = bool
        self.usable = False
        """True when the connection is open and idle."""
        self._idle_limit_s = _MAX_IDLE_S
        self.idle_since = 0.0
        """Loop time at which the last answer was complete."""

    async def exchange(
        self,
        request: bytes,
        *,
        max_body_bytes: int,
        give_up_at: float,
        on_piece: Callable[[bytes], None] | None = None,
    ) -> HttpResponse:
        """Send a whole request and wait for its answer. The connection is cut when that fails.

        Raises:
            HttpError: the connection broke, or the answer is malformed or too large.
            TimeoutError: it is not complete at ``give_up_at``, by the loop's clock.
        """
        if self._transport is None or not self.usable:
            raise ConnectionFailed(_CLOSED)
        self._parser.expect(max_body_bytes=max_body_bytes, on_piece=on_piece)
        self._answer, self.usable = self._loop.create_future(), False
        self._watch_clock(give_up_at)
        try:
            self._transport.write(request)
            response = await self._answer
        except BaseException:
            self.abort()
            raise
        if self._parser.reusable and not self._transport.is_closing():
            self._answer = None
            self.usable, self.idle_since = True, self._loop.time()
            self._idle_limit_s = _idle_limit_s(response.headers.get("keep-alive"))
        else:
            self.abort()
        return response

    def still_good(self, now: float) -> bool:
        """True when an idle connection may carry a request: open, not too old, and silent.

        Asks the kernel, for the event loop may not have seen the peer's close yet (above all on a serverless
        host that was frozen meanwhile), and a request written after it would be lost.

        Args:
            now: loop time.
        """
        return self.usable and now - self.idle_since <= self._idle_limit_s and not self._has_news()

    def abort(self) -> None:
        """Cut the connection at once, without waiting for anything."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._has_news = _news_of(transport.get_extra_info("socket").fileno())
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._answer is None or self._answer.done():
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
        if self._timer is not None:
            self._timer.cancel()
        if self._answer is None or self._answer.done():
            return
        try:
            if exc is not None:
                raise ConnectionFailed(f"the connection broke before the answer was complete: {exc}") from exc
            self._answer.set_result(self._parser.close())
        except ConnectionFailed as error:
            self._answer.set_exception(error)

    def _watch_clock(self, give_up_at: float) -> None:
        """See to it that the exchange ends in time. A timer outlives exchanges and is seldom set anew."""
        self._give_up_at = give_up_at
        if self._timer is not None:
            if self._timer_at <= give_up_at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(give_up_at, self._look_at_clock)
        self._timer_at = give_up_at

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._answer is None or self._answer.done():
            return
        if self._timer_at >= self._give_up_at:
            self._answer.set_exception(TimeoutError())
        else:  # it was an earlier exchange's
            self._watch_clock(self._give_up_at)


def _news_of(descriptor: int) -> Callable[[], object]:
    """What tells whether there is something to read, be it the end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return lambda: poll.poll(0)
    return lambda: select.select([descriptor], [], [], 0)[0]  # Windows


CONNECT_TIMEOUT_S = 10.0
_MAX_IDLE_S = 50.0  # common balancers keep a connection for 60 s and more
_MAX_IDLE_PER_HOST = 128
_LATELY_S = 1.0
_KEPT_FOR_S = re.compile(r"timeout=(\d{1,9})")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int


_Pool = defaultdict[_Origin, list[Connection]]


class HttpTransport(Protocol):
    """What sends a request and brings its answer: HttpClient, or what takes its place in a test."""

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
    ) -> HttpResponse:
        """As ``HttpClient.request``."""
        ...

    async def close(self) -> None:
        """As ``HttpClient.close``."""
        ...


class HttpClient:
    """Sends requests over kept-alive connections. Share one between tasks; any event loop may use it.

    Redirects are not followed, nothing is retried, answers are not compressed, proxies are not used. A
    request that is cancelled or times out cuts its connection, so the other side notices. For https the
    system's certificates are trusted, or those of ``SSL_CERT_FILE``.
    """

    def __init__(self) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
        on_piece: Callable[[bytes], None] | None = None,
    ) -> HttpResponse:
        """Send one request and read its answer, whatever its status.

        Args:
            body: None for none; ``b""`` sends ``content-length: 0``.
            timeout_s: seconds for the whole exchange, connecting and reading included.
            max_response_bytes: most bytes of answer body to accept.
            on_piece: called with the pieces of a 200's body as they come, which are not kept, nor counted
                when their length was not announced.
        Raises:
            HttpError: one of its subclasses; ConnectionFailed also when URL or headers cannot be sent.
        """
        try:
            origin, target = _split_url(url)
            request = _encode(method, target, headers, body)
            loop = asyncio.get_running_loop()
            give_up_at = loop.time() + timeout_s
            idle = self._pool(loop)[origin]
            connection = _take_idle(idle, loop.time(), at_random=on_piece is not None)
            if connection is None:
                async with asyncio.timeout_at(give_up_at):
                    connection = await self._connect(origin)
            response = await connection.exchange(
                request, max_body_bytes=max_response_bytes, give_up_at=give_up_at, on_piece=on_piece
            )
        except TimeoutError as error:
            raise RequestTimedOut(f"{url} did not answer within {timeout_s:g} s") from error
        except HttpError as error:
            raise type(error)(f"{url}: {error}") from error.__cause__
        if connection.usable and len(idle) < _MAX_IDLE_PER_HOST:
            idle.append(connection)
        else:
            connection.abort()
        return response

    async def close(self) -> None:
        """Cut the idle connections of the running event loop; it stays usable."""
        for connections in self._pools.pop(asyncio.get_running_loop(), _Pool(list)).values():
            for connection in connections:
                connection.abort()

    def _pool(self, loop: asyncio.AbstractEventLoop) -> _Pool:
        pool = self._pools.get(loop)
        if pool is None:
            for other in list(self._pools):  # which threads with loops of their own change meanwhile
                if other.is_closed():
                    self._pools.pop(other, None)
            pool = self._pools[loop] = _Pool(list)
        return pool

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def _connect(self, origin: _Origin) -> Connection:
        loop = asyncio.get_running_loop()
        context = self._ssl_context if origin.scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    Connection, origin.host, origin.port, ssl=context
                )
        except TimeoutError as error:
            raise ConnectionFailed(f"no connection within {CONNECT_TIMEOUT_S:g} s") from error
        except (OSError, UnicodeError) as error:
            raise ConnectionFailed(f"no connection: {error}") from error
        return connection


def _idle_limit_s(keep_alive: str | None) -> float:
    """For how long an idle connection may be used again: less than the peer says that it keeps it.

    A request written while the peer closes is lost. Node's servers close after five seconds.
    """
    if keep_alive is None or (kept := _KEPT_FOR_S.search(keep_alive)) is None:
        return _MAX_IDLE_S
    return min(_MAX_IDLE_S, int(kept[1]) - 1.0)


def _take_idle(idle: list[Connection], now: float, *, at_random: bool) -> Connection | None:
    """The connection used last that is still open; older ones than allowed are cut.

    Args:
        at_random: any of those used lately: few large requests, too, reach all processes of the peer.
    """
    while idle:
        used = sum(now - one.idle_since < _LATELY_S for one in idle) if at_random else 0
        connection = idle.pop(-random.randint(1, used) if used > 1 else -1)  # noqa: S311
        if connection.still_good(now):
            return connection
        connection.abort()
    return None


@lru_cache(maxsize=1000)  # the same few, again and again
def _split_url(url: str) -> tuple[_Origin, str]:
    """Where to connect, and what follows the method: the rest of the first line, and the host's."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConnectionFailed(f"not a usable URL: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConnectionFailed("not a usable URL: it must begin with http:// or https:// and name a host")
    if not all("!" <= character <= "\x7f" for character in url):
        raise ConnectionFailed("not a usable URL: spaces and non-ASCII characters must be percent-encoded")
    origin = _Origin(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if origin.port != _DEFAULT_PORTS[origin.scheme]:
        host = f"{host}:{origin.port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return origin, f"{target} HTTP/1.1\r\nhost: {host}\r\n"


def _encode(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # A break in a value would be a header that somebody else chose.
    if lines.count("\r") != len(headers) or lines.count("\n") != len(headers) or "\0" in lines:
        name = next(name for name in headers if set("\r\n\0") & {*name, *headers[name]})
        raise ConnectionFailed(f"header {name!r} contains a line break")
    length = "" if body is None else f"content-length: {len(body)}\r\n"
    try:
        return f"{method} {target}{lines}{length}\r\n".encode("latin-1") + (body or b"")
    except UnicodeEncodeError as error:
        raise ConnectionFailed("a header holds a character outside Latin-1") from error
