"""A bounded set of tasks: each holds a slot from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

logger = logging.getLogger(__name__)

_WORTH_A_CLAIM = 25
_MOST_IN_A_CLAIM = 1000  # as claim_runs has it


def wave_of(slots: int) -> int:
    """How many of the slots are filled by one claim, while there is more to come.

    What is claimed together ends together. In four waves the database, the app and this process all have
    work; in one, each waits for the others. Less than 25 would cost more than it wins.
    """
    return max(slots // 4, min(slots // 2, _WORTH_A_CLAIM), 1)


def least_of(events: int) -> int:
    """How many slots to offer to so many events: one each, and one that stays free where each starts one run.

    A claim that fills all it may is taken for one that has left something.
    """
    return min(events + 1, _MOST_IN_A_CLAIM)


class Slots:
    """Runs coroutines as tasks, at most ``limit`` of them at the same time.

    Args:
        limit: most tasks at the same time.
        on_free: called when a task has ended.
    """

    def __init__(self, limit: int, *, on_free: Callable[[], None]) -> None:
        self.limit = limit
        self._on_free = on_free
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """Slots that nothing holds."""
        return self.limit - len(self._tasks)

    @property
    def held(self) -> int:
        """Tasks under way."""
        return len(self._tasks)

    def start(self, work: Coroutine[None, None, None], *, name: str) -> None:
        """Start a task in a free slot; an exception of its own is logged and goes no further."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def wait_empty(self, timeout_s: float) -> bool:
        """Wait until no task is left, or ``timeout_s`` seconds have passed. True: none is left."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
        return not self._tasks

    async def cancel(self) -> None:
        """End all tasks now."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task failed name=%s: its lease will recover it", task.get_name(), exc_info=error)
        self._on_free()
