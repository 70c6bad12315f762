"""Hands results to the database in groups, and keeps those it cannot take until it comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from perdure_engine.errors import DatabaseUnavailable
from perdure_engine.group_commit import GroupCommit

LATE_S = 300.0
"""Seconds after the end of its lease for which a result is still handed in. After an outage of the database
nobody may have taken the run back yet; where somebody has, the lease number keeps the late result out."""


class Result(NamedTuple):
    """What became of a claim: the JSON ``document`` that the database gets, with ``id`` in it."""

    id: str
    document: bytes


@dataclass(eq=False, slots=True)
class _Kept:
    """A result that the database could not take, and the future that its caller waits for."""

    result: Result
    give_up_at: float
    outcome: asyncio.Future[str]

    def settle(self, outcome: str | BaseException) -> None:
        if self.outcome.done():  # its caller was cancelled
            return
        if isinstance(outcome, BaseException):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class Results:
    """Stores results. While one call is under way the next results gather, and go together.

    A result that the database cannot take stays in memory and keeps its caller waiting, who holds a slot: so
    no more are kept than there are slots. When to try again is decided by the loop, once for all of them:
    ``retry``.

    Args:
        apply: hands documents to the database in one transaction; a future is cheaper than a coroutine.
        outcomes: makes of what ``apply`` returned the outcome for each id.
        on_kept: called when a result is kept, so that ``retry`` is wanted.
    """

    def __init__(
        self,
        apply: Callable[[Sequence[bytes]], Awaitable[Any]],
        outcomes: Callable[[Any], Mapping[str, str]],
        *,
        on_kept: Callable[[], None],
    ) -> None:
        def split(results: Sequence[Result], answer: Any) -> list[str]:
            outcome_of = outcomes(answer)
            return [outcome_of[result.id] for result in results]

        self._group: GroupCommit[Result, str] = GroupCommit(
            lambda results: apply([result.document for result in results]), split=split, weigh=_weigh
        )
        self._on_kept = on_kept
        self._kept: list[_Kept] = []

    @property
    def kept(self) -> int:
        """Results that wait to be handed in again."""
        return len(self._kept)

    @property
    def under_way(self) -> bool:
        """Results are being handed in; those whose turn is over free their slots."""
        return self._group.under_way

    async def store(self, result: Result, *, lease_ends_at: float) -> str:
        """Hand in one result, however long the database is away meanwhile, and return its outcome.

        Args:
            lease_ends_at: on the monotonic clock.
        Raises:
            DatabaseUnavailable: the lease is long over, and the database has not come back.
            Exception: the database refuses this result, whatever the others.
        """
        try:
            return await self._group.submit(result)
        except DatabaseUnavailable:
            kept = _Kept(result, lease_ends_at + LATE_S, asyncio.get_running_loop().create_future())
        self._kept.append(kept)
        self._on_kept()
        return await kept.outcome

    async def retry(self) -> None:
        """Hand in the kept results again, together; nothing happens when there are none.

        Raises:
            DatabaseUnavailable: the database still does not take them; they stay kept.
        """
        if not self._kept:
            return
        kept = [result for result in self._kept if not result.outcome.done()]
        self._kept = []
        outcomes = await asyncio.gather(
            *(self._group.submit(result.result) for result in kept), return_exceptions=True
        )
        unavailable: DatabaseUnavailable | None = None
        for result, outcome in zip(kept, outcomes, strict=True):
            if isinstance(outcome, DatabaseUnavailable):
                unavailable = outcome
                if time.monotonic() < result.give_up_at:
                    self._kept.append(result)
                    continue
            result.settle(outcome)
        if unavailable is not None:
            raise unavailable


def _weigh(result: Result) -> int:
    return len(result.document)
