"""Calls that store tasks: those of one turn of the event loop together, and those that had to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from copy import copy

from perdure.client import ApiClient, StoredTask, StoredTasks
from perdure.errors import ApiError
from perdure.frame import MAX_RECORD_BYTES
from perdure.transport import CALL_TIMEOUT_S

_CALLS_AT_ONCE = 2
_MAX_RUNS = 100
_MAX_RECORDS = 250  # of one run
_MAX_BYTES = 1024 * 1024 - _MAX_RUNS * 64  # of several runs; their ids come besides
_TURNS = 4  # of the loop, in which runs whose call is back take their next steps
_SHORTEST_CALL_S = 0.25  # even with no time left, one call is worth it


class TaskCalls:
    """Stores tasks of one execution, in one call at a time; or, made by ``shared``, of all of an event loop.

    What waits goes together, a line a run. Over HTTP two shared calls are under way at most, so who has less
    time than a call may take does not use them.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._is_shared = False
        self._lines: deque[_Line] = deque()
        self._open: dict[str, _Line] = {}  # the last of each run
        self._under_way = 0
        self._together = 0  # lines under way
        self._last = 0  # lines in the last call
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def shared(cls, api: ApiClient, loop: asyncio.AbstractEventLoop) -> TaskCalls:
        """Those of an app in an event loop. From any thread."""
        made = api.shared_calls.get(loop)
        if made is None:
            made = api.shared_calls.setdefault(loop, cls(api))
            made._is_shared = True
        return made

    def store(
        self,
        run_id: str,
        lease_number: int,
        record: bytes,
        timeout_s: float,
        parents: Mapping[str, bytes] | None = None,
    ) -> asyncio.Future[StoredTask | None]:
        """Store a task; brings what the platform answered.

        Cancelled, it is taken back unless it is under way.

        Args:
            record: JSON of a TaskRecord.
            timeout_s: seconds for all of it.
            parents: records that go before it in the same call, by key.
        """
        loop = asyncio.get_running_loop()
        line = self._open.get(run_id)
        if line is None or not line.takes(lease_number, len(record)):
            line = self._open[run_id] = _Line(run_id, lease_number, loop.time() + timeout_s)
            self._lines.append(line)
            if len(self._lines) == 1:
                self._begin()
        stored: asyncio.Future[StoredTask | None] = loop.create_future()
        for key, text in (parents or {}).items():
            if key not in line.told:
                line.told.add(key)
                line.add(text, None)
        line.add(record, stored)
        return stored

    async def store_lone(
        self, run_id: str, lease_number: int, record: bytes, left_s: float
    ) -> StoredTask | None:
        """As ``store``, for a job that waits for it: at once, if the app has nothing else to store."""
        if self._under_way or self._last != 1 or self._api.is_gathering:
            return await self.store(run_id, lease_number, record, left_s)
        self._under_way = self._together = 1
        try:
            body = _body(lease_number, record)
            tasks = (await self._api.store_tasks(run_id, body, timeout_s=_within(left_s))).tasks
        finally:
            self._under_way -= 1
            self._together -= 1
            self._begin()
        if len(tasks) != 1:
            raise _miscounted(tasks, 1)
        return tasks[0]

    def close(self) -> None:
        """Cut the calls under way."""
        self._lines.clear()
        self._open.clear()
        for task in self._tasks:
            task.cancel()

    def _begin(self) -> None:
        """If it may be, a call in the next turn, with what waits by then."""
        if not self._lines:
            return
        api = self._api
        may_call = self._under_way == 0
        if self._is_shared:
            may_call = self._under_way < _CALLS_AT_ONCE or api.is_gathering or not api.knows_many
        if may_call:
            self._under_way += 1
            task = asyncio.get_running_loop().create_task(self._send())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Line]:
        """Of two calls at once each has half of what waits and is under way: app and server work in turn."""
        most = _MAX_RUNS if self._is_shared and self._api.knows_many else 1
        if not self._api.is_gathering:
            most = min(most, (len(self._lines) + self._together) // 2 + 1)
        group, size = list[_Line](), 0
        while self._lines and len(group) < most:
            line = self._lines[0]
            if line.is_wanted:
                size += line.size
                if group and size > _MAX_BYTES:
                    break
                group.append(line)
            self._lines.popleft()
            if self._open.get(line.run_id) is line:
                del self._open[line.run_id]
        self._last = len(group)
        self._together += self._last
        return group

    async def _send(self) -> None:
        group = self._take()
        try:
            self._begin()
            if group:
                await self._store(group)
            if len(group) > 1 and not self._api.is_gathering:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
        finally:
            self._under_way -= 1
            self._together -= len(group)
            self._begin()

    async def _store(self, group: list[_Line]) -> None:
        timeout_s = _within(group[0].give_up_at - asyncio.get_running_loop().time())
        runs = [(line.run_id, line.body) for line in group]
        answers: Sequence[StoredTasks | Exception]
        try:
            if len(group) == 1:
                answers = [await self._api.store_tasks(*runs[0], timeout_s=timeout_s)]
            else:
                answers = await self._api.store_tasks_of_runs(runs, timeout_s=timeout_s)
        except Exception as error:
            if len(group) > 1 and isinstance(error, ApiError) and not error.is_temporary:
                if error.status in (404, 405):
                    self._api.knows_many = False
                # Alone, each learns what is wrong with it.
                await asyncio.gather(*(self._store([line]) for line in group))
                return
            answers = [error] * len(group)
        for line, answer in zip(group, answers, strict=True):
            line.settle(answer)


class _Line:
    """What is to be stored for one run, and who waits for it."""

    __slots__ = ("_lease_number", "_records", "_waiting", "give_up_at", "run_id", "size", "told")

    def __init__(self, run_id: str, lease_number: int, give_up_at: float) -> None:
        self.run_id = run_id
        self.give_up_at = give_up_at
        self.size = 0
        self.told: set[str] = set()
        self._lease_number = lease_number
        self._records: list[bytes] = []
        self._waiting: dict[int, asyncio.Future[StoredTask | None]] = {}  # by place of the record

    def takes(self, lease_number: int, size: int) -> bool:
        return (
            lease_number == self._lease_number
            and self.size + size < MAX_RECORD_BYTES
            and len(self._records) < _MAX_RECORDS
        )

    def add(self, record: bytes, stored: asyncio.Future[StoredTask | None] | None) -> None:
        self.size += len(record) + 1
        if stored is not None:
            self._waiting[len(self._records)] = stored
        self._records.append(record)

    @property
    def is_wanted(self) -> bool:
        """False when all who waited were cancelled."""
        return not all(one.done() for one in self._waiting.values())

    @property
    def body(self) -> bytes:
        return _body(self._lease_number, b",".join(self._records))

    def settle(self, answer: StoredTasks | Exception) -> None:
        if isinstance(answer, StoredTasks) and len(answer.tasks) != len(self._records):
            answer = _miscounted(answer.tasks, len(self._records))
        for place, one in self._waiting.items():
            if one.done():
                continue
            if isinstance(answer, StoredTasks):
                one.set_result(answer.tasks[place])
            else:
                one.set_exception(copy(answer) if isinstance(answer, ApiError) else answer)


def _body(lease_number: int, records: bytes) -> bytes:
    return b'{"leaseNumber":%d,"tasks":[%b]}' % (lease_number, records)


def _within(left_s: float) -> float:
    return min(max(left_s, _SHORTEST_CALL_S), CALL_TIMEOUT_S)


def _miscounted(stored: Sequence[object], sent: int) -> ApiError:
    return ApiError(f"the API stored {len(stored)} of {sent} tasks")
