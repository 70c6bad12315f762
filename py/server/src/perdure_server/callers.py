"""Whose keys are in force, remembered for a moment: a key that is used a lot costs one look-up a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from perdure_engine.environments import Caller

REMEMBERED_S = 1.0
"""A key that was revoked works this much longer at most; one that expires, no longer."""
_MANY = 1000


class Callers:
    """The owners of API keys. Requests that come while a key is looked up share the answer.

    Only what was found is remembered: a key works from the moment it is there.

    Args:
        look_up: asks the database; None: the key is unknown or revoked.
        now: seconds on a clock that never goes back.
    """

    def __init__(
        self, look_up: Callable[[str], Awaitable[Caller | None]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_up = look_up
        self._now = now
        self._known: dict[str, tuple[Caller, float]] = {}
        self._asking: dict[str, asyncio.Task[Caller | None]] = {}

    def remembered(self, key: str) -> Caller | None:
        """Whose key it is, as far as that is known at once."""
        known = self._known.get(key)
        return known[0] if known is not None and self._now() < known[1] else None

    async def find(self, key: str) -> Caller | None:
        """Whose key it is; None: it is unknown, or was revoked more than ``REMEMBERED_S`` ago.

        Raises:
            DatabaseUnavailable: it has to be asked, and does not answer.
        """
        if (known := self.remembered(key)) is not None:
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key))
        return await asyncio.shield(asking)  # one request that is cut off must not end the others

    async def _ask(self, key: str) -> Caller | None:
        asked_at = self._now()
        try:
            caller = await self._look_up(key)
        finally:
            del self._asking[key]
        if caller is None:
            self._known.pop(key, None)
        else:
            if len(self._known) >= _MANY:
                self._known = {one: entry for one, entry in self._known.items() if asked_at < entry[1]}
            works_for_s = REMEMBERED_S if caller.works_for_s is None else caller.works_for_s
            self._known[key] = (caller, asked_at + min(REMEMBERED_S, works_for_s))
        return caller
