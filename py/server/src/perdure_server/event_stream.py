"""Server-sent events: how they are written, and an answer that goes on until one of its two sides ends it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure_server.services import services_of
from perdure_server.stopping import Stopping

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
"""Something is sent at least as often: proxies end a connection on which nothing happens."""
LONGEST_S = 300.0
"""Then the reader comes again, and is asked again who it is."""
_HEARTBEAT = b":\n\n"
_COME_AGAIN_MS = (1000, 3000)  # readers of a server that stops do not all come to the next one at once
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies that know it pass on each event at once
]


def write_event(data: str, *, name: str | None = None, event_id: str | None = None) -> bytes:
    """One event.

    Args:
        data: text of any number of lines.
        name: what a browser dispatches it as; None: ``message``.
        event_id: what a browser sends as ``Last-Event-ID`` when it comes again; None: the one before.
    """
    head = [] if event_id is None else [f"id: {event_id}"]
    head += [] if name is None else [f"event: {name}"]
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f"{line}\n" for line in [*head, *(f"data: {line}" for line in lines), ""]).encode()


def event_stream(request: HTTPConnection, events: AsyncGenerator[bytes, None]) -> Response:
    """An answer that sends events as they come, and a comment where none has come for ``HEARTBEAT_S``.

    It ends with the events, when the client has left, after ``LONGEST_S``, and when the server is told to
    stop. The generator is closed then, wherever it waits, so it need not look. A browser comes again after a
    second or three.

    Args:
        events: what ``write_event`` makes; an exception breaks the connection off.
    """
    return _EventStream(events, services_of(request).stopping)


class _EventStream(Response):
    def __init__(self, events: AsyncGenerator[bytes, None], stopping: Stopping) -> None:
        self.status_code = 200
        self.raw_headers = list(_HEADERS)
        self.background = None
        self._events = events
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(piece: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": piece, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._events) as events:
            if scope["method"] != "HEAD":
                await write(f"retry: {random.randint(*_COME_AGAIN_MS)}\n\n".encode())  # noqa: S311  # no secret
                async with (
                    _running(_left(receive)) as left,
                    _running(self._stopping.wait()) as stopping,
                    _running(asyncio.sleep(LONGEST_S)) as lasted,
                    aclosing(_with_heartbeats(events, {left, stopping, lasted})) as pieces,
                ):
                    async for piece in pieces:
                        await write(piece)
        await write(b"", more=False)


async def _with_heartbeats(
    events: AsyncIterator[bytes], ends: set[asyncio.Task[None]]
) -> AsyncGenerator[bytes, None]:
    """The events, until one of ``ends`` is done."""
    while True:
        async with _running(_next(events)) as coming:
            while not coming.done():
                await asyncio.wait({coming, *ends}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if any(end.done() for end in ends):
                    return
                if not coming.done():
                    yield _HEARTBEAT
            event = coming.result()
        if event is None:
            return
        yield event


async def _next(events: AsyncIterator[bytes]) -> bytes | None:
    return await anext(events, None)


async def _left(receive: Receive) -> None:
    """Wait until the client has."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """A task that is over afterwards."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
