"""Following runs: all that anybody follows on this server is looked at together, once a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from perdure_engine import runs
from perdure_engine.pool import Pool
from perdure_engine.runs import RunLook

logger = logging.getLogger("perdure.server")

LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class _Watched:
    """A run with followers."""

    place: tuple[str, str]  # its environment and the run
    followers: int = 0
    look: RunLook | None = None  # None: it was not looked at yet
    trouble: Exception | None = None  # why not
    is_missing: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)  # replaced when it is set

    def tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


class RunWatch:
    """What runs look like, for any number of followers: one query for all, and none when there is nobody.

    While the database is away followers hear nothing, and then of all that has changed.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._stirred = asyncio.Event()  # somebody has come or left
        self._watching: asyncio.Task[None] | None = None

    async def follow(self, environment_id: str, run_id: str) -> AsyncGenerator[RunLook, None]:
        """The run as it is, then as it is after each change, until it has ended; nothing when there is none.

        Raises:
            PerdureError: before the first look: it cannot be had.
        """
        place = environment_id, run_id
        watched = self._watched.setdefault(place, _Watched(place))
        watched.followers += 1
        self._stirred.set()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="run watch")
        try:
            shown: RunLook | None = None
            while shown is None or not shown.has_ended:
                while watched.look is None or watched.look is shown:
                    if watched.is_missing:
                        return
                    if watched.trouble is not None and shown is None:
                        raise watched.trouble
                    await watched.news.wait()
                shown = watched.look
                yield shown
        finally:
            watched.followers -= 1
            if not watched.followers:
                del self._watched[place]
                self._stirred.set()

    async def _watch(self) -> None:
        """Look at every run when it is time, and at new ones at once."""
        now = asyncio.get_running_loop().time
        next_at = now()
        while self._watched:
            self._stirred.clear()
            is_time = now() >= next_at
            if is_time:
                next_at = now() + LOOK_EVERY_S
            if wanted := [one for one in self._watched.values() if is_time or one.look is None]:
                await self._look_at(wanted)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_at):
                    await self._stirred.wait()

    async def _look_at(self, wanted: Collection[_Watched]) -> None:
        places = [one.place for one in wanted]
        try:
            async with self._pool.connection() as conn:
                changed = await runs.find_changed_runs(
                    conn,
                    [environment_id for environment_id, _ in places],
                    [run_id for _, run_id in places],
                    [one.look.digest if one.look else None for one in wanted],
                )
        except Exception as error:
            logger.warning("%d runs that are followed cannot be looked at: %s", len(wanted), error)
            for one in wanted:
                one.trouble = error
                one.tell()
            return
        found = {(look.environment_id, look.run_id): look for look in changed}
        for one in wanted:
            look = found.get(one.place)
            one.trouble = None
            one.is_missing = look is None and one.look is None
            if look is not None:
                one.look = look
            if look is not None or one.is_missing:
                one.tell()
