"""One address in front of several servers, as a load balancer is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


@asynccontextmanager
async def balancer(*urls: str) -> AsyncIterator[str]:
    """Pass each connection on to the first of these servers that takes it; gives the common URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await _first_open(urls)
        except ConnectionError:
            writer.transport.abort()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _first_open(urls: Sequence[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for url in urls:
        with suppress(ConnectionError):
            return await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    raise ConnectionError("no server is up")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other one sees an end, too."""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
