"""A dispatcher in the server's process: what the server's events start is given to it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from perdure_dispatcher.main import open_dispatcher
from perdure_dispatcher.settings import Settings
from perdure_server.services import Services


class Dispatching:
    """The dispatcher beside the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop: Callable[[], None] | None = None
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def beside(self, services: Services) -> AsyncIterator[None]:
        """At work inside; on leaving, what is still in flight is left to its lease.

        Raises: as ``open_dispatcher``.
        """
        async with open_dispatcher(self._settings) as dispatcher:
            services.events.add(dispatcher)
            running = asyncio.create_task(dispatcher.run(), name="dispatcher")
            running.add_done_callback(lambda _: self._ended.set())
            self._stop = dispatcher.stop
            try:
                yield
            finally:
                running.cancel()
                await asyncio.wait([running])

    async def drain(self) -> None:
        """Claim nothing more; returns when what is in flight has ended, or the drain time is over."""
        if self._stop is not None:
            self._stop()
            await self._ended.wait()
