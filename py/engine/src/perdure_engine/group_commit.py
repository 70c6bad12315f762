"""Many callers, one call: while a batch is under way the next one gathers, and goes when that one is back.

Nobody waits for a timer. An idle ``GroupCommit`` passes a call on at once, a busy one makes larger batches
by itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Generic, TypeVar

from .errors import DatabaseUnavailable

Call = TypeVar("Call")
Result = TypeVar("Result")
Other = TypeVar("Other")

_Submitted = tuple[Call, asyncio.Future[Result]]

Answer = Sequence[Result | Exception]
"""A result, or an exception of its own, for each call of a batch in their order."""


class GroupCommit(Generic[Call, Result]):
    """Groups the calls of concurrent callers into batches, one batch at a time.

    When ``execute`` raises, nothing of the batch has happened. ``DatabaseUnavailable`` goes to
    every caller of the batch. For any other error the batch is tried again in halves, so that the call which
    causes it fails alone.

    Args:
        execute: carries out one batch, all of it or nothing. A future is cheaper than a coroutine, which
            becomes a task.
        alone: a shorter way for a batch of one call, to this call's result; ``None``: it is not for this one.
            When the result is empty, or an error, it has done nothing, and ``execute`` does it.
        split: makes an ``Answer`` of a batch and what ``execute`` returned; without it that is one.
        max_batch: most calls in a batch.
        max_weight: most weight in a batch; a heavier call goes alone.
        weigh: the weight of a call, for instance its length in bytes; without it only ``max_batch`` counts.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Call]], Awaitable[Any]],
        *,
        alone: Callable[[Call], Awaitable[Result] | None] | None = None,
        split: Callable[[Sequence[Call], Any], Answer[Result]] | None = None,
        max_batch: int = 200,
        max_weight: int = 8_000_000,
        weigh: Callable[[Call], int] | None = None,
    ) -> None:
        self._execute = execute
        self._alone = alone
        self._split = split
        self._max_batch = max_batch
        self._max_weight = max_weight
        self._weigh = weigh
        self._waiting: deque[_Submitted[Call, Result]] = deque()
        self._halves: list[list[_Submitted[Call, Result]]] = []  # of batches that failed; the last goes first
        self._running: asyncio.Future[Any] | None = None  # kept, so that it is not thrown away under way
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def under_way(self) -> bool:
        """Calls have been submitted and not all of them are answered."""
        return not self._idle.is_set()

    def submit(self, call: Call) -> asyncio.Future[Result]:
        """Carry out one call in the next batch; its result comes in the future, or what ``execute`` raised.

        A caller that cancels the future takes the call back when the batch has not begun; after that the
        call is carried out, and only its result is lost.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((call, future))
        if self._idle.is_set():
            self._idle.clear()
            loop.call_soon(self._go_on)  # with what others submit in this very moment
        return future

    def instead(self, begin: Callable[[], Awaitable[Other]]) -> asyncio.Future[Other] | None:
        """Carry out something in place of a batch, in this very turn; what is submitted meanwhile gathers.

        Args:
            begin: begins it; what it raises is raised.
        Returns: what it comes to; ``None``: a batch is under way, and nothing was begun.
        """
        if self.under_way:
            return None
        begun = self._running = asyncio.ensure_future(begin())
        self._idle.clear()
        begun.add_done_callback(lambda _: self._go_on())
        return begun

    async def drain(self) -> None:
        """Wait until all calls submitted so far are answered."""
        await self._idle.wait()

    def _go_on(self) -> None:
        batch = self._halves.pop() if self._halves else self._next_batch() if self._waiting else None
        if not batch:
            self._idle.set()
            return
        alone = self._begun_alone(batch[0][0]) if len(batch) == 1 else None
        if alone is None:
            self._begin(batch)
        else:
            self._await(alone, partial(self._executed_alone, batch))

    def _begun_alone(self, call: Call) -> Awaitable[Result] | None:
        try:
            return self._alone(call) if self._alone is not None else None
        except Exception:  # execute says what is wrong
            return None

    def _begin(self, batch: list[_Submitted[Call, Result]]) -> None:
        try:
            executing = self._execute([call for call, _ in batch])
        except Exception as error:
            asyncio.get_running_loop().call_soon(self._fail, batch, error)
        else:
            self._await(executing, partial(self._executed, batch))

    def _await(self, begun: Awaitable[Any], on_end: Callable[[asyncio.Future[Any]], None]) -> None:
        self._running = asyncio.ensure_future(begun)
        self._running.add_done_callback(on_end)

    def _executed_alone(self, batch: list[_Submitted[Call, Result]], running: asyncio.Future[Any]) -> None:
        error = None if running.cancelled() else running.exception()
        if running.cancelled() or isinstance(error, DatabaseUnavailable):
            self._executed(batch, running)
        elif error is not None or not running.result():
            self._begin(batch)
        else:
            ((_, future),) = batch
            if not future.done():
                future.set_result(running.result())
            self._go_on()

    def _next_batch(self) -> list[_Submitted[Call, Result]]:
        batch: list[_Submitted[Call, Result]] = []
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

    def _executed(self, batch: list[_Submitted[Call, Result]], running: asyncio.Future[Any]) -> None:
        if running.cancelled():  # the loop ends: let nobody wait for an answer that never comes
            self._cancel(batch)
            return
        try:
            results = (
                running.result()
                if self._split is None
                else self._split([call for call, _ in batch], running.result())
            )
            if len(results) != len(batch):
                raise RuntimeError(f"execute answered {len(results)} results for {len(batch)} calls")
        except Exception as error:
            self._fail(batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                _settle(future, result)
        self._go_on()

    def _fail(self, batch: list[_Submitted[Call, Result]], error: Exception) -> None:
        if len(batch) > 1 and not isinstance(error, DatabaseUnavailable):
            middle = len(batch) // 2
            self._halves += [batch[middle:], batch[:middle]]
        else:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        self._go_on()

    def _cancel(self, batch: list[_Submitted[Call, Result]]) -> None:
        for _, future in (*batch, *chain(*self._halves), *self._waiting):
            future.cancel()
        self._halves.clear()
        self._waiting.clear()
        self._idle.set()


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
