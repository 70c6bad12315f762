"""Slots that quick runs free in a moment: whoever brings new runs for them waits that long, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PERIOD_S = 0.1


class Turnover:
    """How many slots become free in PERIOD_S, which is also the longest wait for some.

    A run that finds a slot as its event is stored costs the database two thirds of one that passes through
    the queue (ADR 0056). Where runs take long nobody waits: too few slots became free lately.
    """

    def __init__(self) -> None:
        self._room = asyncio.Event()
        self._period_ends_at = 0.0
        self._freed = 0  # in this period, so far
        self._freed_before = 0  # in the last one in which any was

    def slot_freed(self) -> None:
        """One slot is free again."""
        now = time.monotonic()
        if now >= self._period_ends_at:
            self._period_ends_at = now + PERIOD_S
            self._freed_before, self._freed = self._freed, 0
        self._freed += 1
        self._room.set()

    def look_again(self) -> None:
        """There may be more room than before, for another reason."""
        self._room.set()

    async def wait_for_room(self, lacking: Callable[[], int]) -> None:
        """Return when nothing lacks, after PERIOD_S, or at once where that would not do.

        Args:
            lacking: how many slots are wanted beyond those that are free.
        """
        if lacking() > max(self._freed, self._freed_before):
            return
        try:
            async with asyncio.timeout(PERIOD_S):
                while lacking() > 0:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:  # no longer what it was
            self._freed = self._freed_before = 0
