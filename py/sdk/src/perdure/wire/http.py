"""The lean HTTP client of the hot paths (platform to endpoint, SDK to API) behind one small interface.

Connections are our own, on asyncio, because it was measured (ADR 0003): httpx takes some forty times the
CPU at 50 concurrent requests, aiohttp twice, and the native client that was tried aborts an interpreter that
exits soon after a request. Answers are parsed by httptools.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from perdure.wire.http_answer import (
    AnswerParser,
    ConnectionFailed,
    HttpError,
    HttpResponse,
    RequestTimedOut,
    ResponseTooLarge,
)
from perdure.wire.http_connection import Connection

__all__ = [
    "ConnectionFailed",
    "HttpClient",
    "HttpError",
    "HttpResponse",
    "HttpTransport",
    "RequestTimedOut",
    "ResponseTooLarge",
]

CONNECT_TIMEOUT_S = 10.0
_MAX_IDLE_S = 50.0  # shorter than the keep-alive of common balancers (60 s and more)
_MAX_IDLE_PER_HOST = 128
_LINE_BREAKS = ("\r", "\n", "\0")


@dataclass(frozen=True, slots=True)
class _Origin:
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
        """Let go of what is kept for later requests; it stays usable."""
        ...


class HttpClient:
    """Sends requests over kept-alive connections. Share one between tasks; any event loop may use it.

    Redirects are not followed, nothing is retried, answers are not compressed, proxies are not used. A
    request that is cancelled or times out cuts its connection, so the other side notices.

    Args:
        ssl_context: for https; the system's trusted certificates (``SSL_CERT_FILE``) when absent.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
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
    ) -> HttpResponse:
        """Send one request and read its answer, whatever its status.

        Args:
            body: None for none; ``b""`` sends ``content-length: 0``.
            timeout_s: seconds for the whole exchange, connecting and reading included.
            max_response_bytes: most bytes of answer body to accept.
        Raises:
            ConnectionFailed: refused, reset, closed early, not HTTP/1.1, or URL or headers cannot be sent.
            RequestTimedOut: no complete answer within ``timeout_s``.
            ResponseTooLarge: more body than ``max_response_bytes``.
        """
        try:
            origin, target = _split_url(url)
            request = _encode(method, origin, target, headers, body)
            parser = AnswerParser(max_body_bytes=max_response_bytes)
            async with asyncio.timeout(timeout_s):
                pool = self._pool()
                connection = _take_idle(pool[origin]) or await self._connect(origin)
                response = await connection.exchange(request, parser)
        except TimeoutError as error:
            raise RequestTimedOut(f"{url} did not answer within {timeout_s:g} s") from error
        except HttpError as error:
            raise type(error)(f"{url}: {error}") from error.__cause__
        if connection.usable and len(pool[origin]) < _MAX_IDLE_PER_HOST:
            pool[origin].append(connection)
        else:
            connection.abort()
        return response

    async def close(self) -> None:
        """Cut the idle connections of the running event loop. A later request opens new ones."""
        for connections in self._pools.pop(asyncio.get_running_loop(), _Pool(list)).values():
            for connection in connections:
                connection.abort()

    def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for other in list(self._pools):  # which threads with loops of their own change meanwhile
                if other.is_closed():
                    self._pools.pop(other, None)
            pool = self._pools[loop] = _Pool(list)
        return pool

    async def _connect(self, origin: _Origin) -> Connection:
        loop = asyncio.get_running_loop()
        context = None
        if origin.scheme == "https":
            if self._ssl_context is None:
                self._ssl_context = ssl.create_default_context()
            context = self._ssl_context
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    Connection, origin.host, origin.port, ssl=context
                )
        except TimeoutError as error:
            raise ConnectionFailed(f"no connection within {CONNECT_TIMEOUT_S:g} s") from error
        except (OSError, ssl.SSLError, UnicodeError) as error:
            raise ConnectionFailed(f"no connection: {error}") from error
        return connection


def _take_idle(idle: list[Connection]) -> Connection | None:
    """The connection used last that is still open; older ones than allowed are cut."""
    now = asyncio.get_running_loop().time()
    while idle:
        connection = idle.pop()
        if now - connection.idle_since <= _MAX_IDLE_S and connection.still_good():
            return connection
        connection.abort()
    return None


def _split_url(url: str) -> tuple[_Origin, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConnectionFailed(f"not a usable URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionFailed("not a usable URL: it must begin with http:// or https:// and name a host")
    if not url.isascii() or any(character <= " " for character in url):
        raise ConnectionFailed("not a usable URL: spaces and non-ASCII characters must be percent-encoded")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Origin(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)), target


def _encode(
    method: str, origin: _Origin, target: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if origin.port != (443 if origin.scheme == "https" else 80):
        host = f"{host}:{origin.port}"
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    for name, value in headers.items():
        if any(character in name or character in value for character in _LINE_BREAKS):
            raise ConnectionFailed(f"header {name!r} contains a line break")
        lines.append(f"{name}: {value}")
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
    except UnicodeEncodeError as error:
        raise ConnectionFailed("a header holds a character outside Latin-1") from error
