"""That the process was told to stop: said by a signal, heard by whatever would otherwise not end."""

from __future__ import annotations

import asyncio


class Stopping:
    """Made in the event loop whose tasks are to hear of it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()
        self._is_set = False

    def set(self) -> None:
        """Say so; a handler of a signal or another thread may."""
        self._is_set = True
        self._loop.call_soon_threadsafe(self._heard.set)  # an event loop is not woken by a signal alone

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._is_set

    async def wait(self) -> None:
        """Return when it is said."""
        await self._heard.wait()
