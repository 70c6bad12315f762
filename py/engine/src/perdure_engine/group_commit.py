"""Many callers, one call: while a batch is under way the next one gathers, and goes when that one is back.

Nobody waits for a timer. An idle ``GroupCommit`` passes a call on at once, a busy one makes larger batches
by itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from .errors import DatabaseUnavailable

Call = TypeVar("Call")
Result = TypeVar("Result")

Execute = Callable[[Sequence[Call]], Awaitable[Sequence[Result | Exception]]]
"""Carries out a batch; answers a result, or an exception of its own, for each call in their order."""


class GroupCommit(Generic[Call, Result]):
    """Groups the calls of concurrent callers into batches, one batch at a time.

    When ``execute`` itself raises, nothing of its batch has happened. ``DatabaseUnavailable`` goes to every
    caller of the batch. For any other error the batch is tried again in halves, so that the call which
    causes it fails alone.

    Args:
        execute: carries out one batch, all of it or nothing.
        max_batch: most calls in a batch.
        max_weight: most weight in a batch; a heavier call goes alone.
        weigh: the weight of a call, for instance its length in bytes; without it only ``max_batch`` counts.
    """

    def __init__(
        self,
        execute: Execute[Call, Result],
        *,
        max_batch: int = 200,
        max_weight: int = 8_000_000,
        weigh: Callable[[Call], int] | None = None,
    ) -> None:
        self._execute = execute
        self._max_batch = max_batch
        self._max_weight = max_weight
        self._weigh = weigh
        self._waiting: deque[tuple[Call, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        """Calls have been submitted and not all of them are answered."""
        return self._worker is not None

    async def submit(self, call: Call) -> Result:
        """Carry out one call in the next batch and return its result.

        A caller that is cancelled takes its call back when the batch has not begun; after that the call is
        carried out, and only its result is lost.

        Raises:
            Exception: what ``execute`` answered for this call, or raised.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def drain(self) -> None:
        """Wait until all calls submitted so far are answered."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        batch: list[tuple[Call, asyncio.Future[Result]]] = []
        try:
            while batch := self._next_batch():
                await self._carry_out(batch)
        finally:  # cancelled, as when the loop ends: let nobody wait for an answer that never comes
            for _, future in (*batch, *self._waiting):
                future.cancel()
            self._waiting.clear()
            self._worker = None

    def _next_batch(self) -> list[tuple[Call, asyncio.Future[Result]]]:
        batch: list[tuple[Call, asyncio.Future[Result]]] = []
        weight = 0
        while self._waiting and len(batch) < self._max_batch:
            call, future = self._waiting[0]
            if not future.done():  # done: its caller was cancelled
                weight += self._weigh(call) if self._weigh else 0
                if batch and weight > self._max_weight:
                    break
                batch.append((call, future))
            self._waiting.popleft()
        return batch

    async def _carry_out(self, batch: Sequence[tuple[Call, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._execute([call for call, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"execute answered {len(results)} results for {len(batch)} calls")
        except DatabaseUnavailable as error:
            results = [error] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._carry_out(batch[:middle])
                await self._carry_out(batch[middle:])
                return
            results = [error]
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
