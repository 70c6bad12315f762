"""An ASGI app under uvicorn on a socket that listens already; it ends in order on SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio
import math
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from perdure_dispatcher.collector import spare_collector
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.http_protocol import HttpProtocol, Shortcut
from perdure_server.cli.local.ports import listen
from perdure_server.connect.protocol import MessageProtocol


def listen_or_refuse(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        CommandFailed: with what to do.
    """
    try:
        return listen(port, host)
    except OSError as error:
        raise CommandFailed(
            f"cannot listen on {host}:{port}: {error.strerror}. Is another program there? Choose another."
        ) from error


_LONGEST_MESSAGE = 64 * 1024 * 1024  # bytes of a WebSocket message, which holds many frames
_LOOK_EVERY_S = 0.1
# An idle connection is the client's to close: one that the server closes while a request is on its way costs
# a retry. Clients keep theirs for less than a minute, the slowest common load balancer for 600 s.
_KEEP_ALIVE_S = 620
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class HttpServer:
    """Serves one app until the process is told to stop.

    Args:
        app: the app, an ASGI callable.
        listener: where to accept connections.
        lifespan: what surrounds serving; its exceptions are ours to explain, which is why uvicorn, which
            only logs them, does not run it. None: uvicorn runs the app's, if it has one.
        drain_s: seconds that requests under way may take when told to stop.
        on_started: called when connections are accepted.
        on_stopping: called when the process is told to stop; requests under way are served to their end.
        shortcut: answers some requests by a shorter way than the app, as ``HttpProtocol`` says.
        drain: awaited then, while requests are still served, unless the process is told to stop once more.
    """

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        *,
        lifespan: AbstractAsyncContextManager[Any] | None = None,
        drain_s: float,
        on_started: Callable[[], None] = lambda: None,
        on_stopping: Callable[[], None] = lambda: None,
        shortcut: Shortcut | None = None,
        drain: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._lifespan = lifespan
        self._listener = listener
        config = uvicorn.Config(
            app,
            lifespan="auto" if lifespan is None else "off",
            log_config=None,
            access_log=False,
            server_header=False,
            http=partial(HttpProtocol, shortcut=shortcut),  # type: ignore[arg-type]  # it makes one
            ws=MessageProtocol,
            ws_max_size=_LONGEST_MESSAGE,
            ws_per_message_deflate=False,  # JSON over a short way: the CPU counts
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(drain_s),
        )
        self._server = _Server(config, on_started, on_stopping, drain)

    def run(self) -> None:
        """Serve.

        Raises:
            Exception: what ``lifespan`` raises.
        """
        for number in _STOP_SIGNALS:
            signal.signal(number, _leave)  # before and after serving; in between it means: stop in order
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        if self._lifespan is None:
            await self._server.serve(sockets=[self._listener])
        else:
            async with self._lifespan:
                await self._server.serve(sockets=[self._listener])


class _Server(uvicorn.Server):
    """Says when it has started; ends like any function instead of by the signal that asked for it."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None],
        on_stopping: Callable[[], None],
        drain: Callable[[], Awaitable[None]] | None,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_stopping = on_stopping
        self._drain = drain
        self._stop_signals = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        spare_collector()
        self._on_started()

    async def main_loop(self) -> None:
        """Serve until told to stop, and then for as long as the draining takes."""
        await super().main_loop()
        if self._drain is None:
            return
        draining = asyncio.ensure_future(self._drain())
        while not draining.done() and self._stop_signals < 2:
            await asyncio.wait([draining], timeout=_LOOK_EVERY_S)
        draining.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, and say so."""
        self._stop_signals += 1
        self._on_stopping()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the stop signals while serving."""
        before = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
