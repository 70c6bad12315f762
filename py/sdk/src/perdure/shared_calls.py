"""Steps of many runs in one call: what comes while two calls are under way goes together when one is back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from copy import copy
from typing import NamedTuple, TypeAlias

from perdure.client import ApiClient, StoredTasks
from perdure.errors import ApiError
from perdure.transport import CALL_TIMEOUT_S

_CALLS_AT_ONCE = 2
_MAX_RUNS = 100
_MAX_BYTES = 1024 * 1024 - _MAX_RUNS * 64  # of bodies; run ids come besides
_TURNS = 4  # of the loop, in which runs whose call is back take their next steps

_Answer: TypeAlias = StoredTasks | Exception | None  # None: the line is to go alone


class _Line(NamedTuple):
    run_id: str
    body: bytes
    give_up_at: float
    answer: asyncio.Future[_Answer]


class SharedCalls:
    """Stores tasks for the runs that execute in one event loop; each call has its own answer or error.

    While fewer than two are under way a call goes alone and at once. So does one with less than the full
    time: the others wait for calls that give up before they do, so nobody need watch the clock.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._under_way = 0
        self._together = 0  # lines under way with others
        self._waiting: deque[_Line] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, api: ApiClient, loop: asyncio.AbstractEventLoop) -> SharedCalls:
        """Those of an app in an event loop. From any thread."""
        return api.shared.get(loop) or api.shared.setdefault(loop, cls(api))

    @property
    def patience_s(self) -> float:
        """As of ``ApiClient``."""
        return self._api.patience_s

    async def store_tasks(self, run_id: str, body: bytes, *, timeout_s: float) -> StoredTasks:
        """As ``ApiClient.store_tasks``; ``timeout_s`` holds for waiting, too."""
        if timeout_s < CALL_TIMEOUT_S or len(body) > _MAX_BYTES or not self._api.shares_calls:
            return await self._api.store_tasks(run_id, body, timeout_s=timeout_s)
        if self._under_way >= _CALLS_AT_ONCE:
            loop = asyncio.get_running_loop()
            line = _Line(run_id, body, loop.time() + timeout_s, loop.create_future())
            self._waiting.append(line)
            answer = await line.answer
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                return answer
            timeout_s = line.give_up_at - loop.time()
        self._under_way += 1
        try:
            return await self._api.store_tasks(run_id, body, timeout_s=timeout_s)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        """A call is back: send half of what waits and is under way, so that app and server work in turn."""
        self._under_way -= 1
        if self._under_way >= _CALLS_AT_ONCE:
            return
        most = min((len(self._waiting) + self._together) // 2 + 1, _MAX_RUNS)
        group, size = list[_Line](), 0
        while self._waiting and len(group) < most:
            line = self._waiting[0]
            if not line.answer.done():  # done: its recorder was cancelled
                size += len(line.body)
                if group and size > _MAX_BYTES:
                    break
                group.append(line)
            self._waiting.popleft()
        if len(group) > 1 or self._waiting:
            self._under_way += 1
            self._together += len(group)
            task = asyncio.get_running_loop().create_task(self._send(group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif group:
            group[0].answer.set_result(None)

    async def _send(self, group: list[_Line]) -> None:
        try:
            for line, answer in zip(group, await self._ask(group), strict=True):
                if not line.answer.done():
                    line.answer.set_result(answer)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        finally:
            self._together -= len(group)
            self._go_on()

    async def _ask(self, group: list[_Line]) -> Sequence[_Answer]:
        timeout_s = group[0].give_up_at - asyncio.get_running_loop().time()
        try:
            runs = [(line.run_id, line.body) for line in group]
            return await self._api.store_tasks_of_runs(runs, timeout_s=timeout_s)
        except Exception as error:
            if not isinstance(error, ApiError) or error.is_temporary:
                return [copy(error) for _ in group]
            if error.status in (404, 405):
                self._api.knows_many = False
            return [None for _ in group]  # alone, each learns what is wrong with it
