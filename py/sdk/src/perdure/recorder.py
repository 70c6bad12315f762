"""Stores what an execution does: tasks patiently, log lines along with them, announcements by the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence, Set
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

from perdure.client import ApiClient, StoredTask
from perdure.clock import Deadline
from perdure.errors import ApiError, ExecutionEnded, ExecutionRefused, RunInterrupt
from perdure.frame import TaskFrame, unknown_parents, with_parents
from perdure.task_calls import TaskCalls
from perdure.threads import runs_here
from perdure.transport import CALL_TIMEOUT_S, pause_s
from perdure.wire.tasks import TaskRecord, WireError

_MAX_REPLY_LOG_BYTES = 1024 * 1024
_MAX_BUFFERED_LOGS = 250
ANNOUNCE_AFTER_S = 1.0
"""A task that runs longer is announced, so that people see it running."""
RIDE_ALONG_S = 1.0  # a log line waits this long for a call to ride on
_TIMER_PRECISION_S = 0.005
_KEEP_FOR_REPLY_MS = 1000  # to answer with the records of a call that is no longer repeated


class ApiOutOfReach(Exception):
    """The API did not take the record in time; it travels with the reply instead."""


_Item: TypeAlias = tuple[TaskFrame | None, TaskRecord]
"""A record and the task it is in."""


class Recorder:
    """Sends the records of one execution.

    Args:
        shared: for calls together with other executions; None: there are none.
        lease_number: fences every write.
        on_end: called once, with ``end``, when the platform does not want this execution any more.
        loop: the event loop of the execution.
    """

    def __init__(
        self,
        api: ApiClient,
        shared: TaskCalls | None,
        *,
        run_id: str,
        lease_number: int,
        deadline: Deadline,
        on_end: Callable[[RunInterrupt], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._api = api
        self._shared = shared
        self._own: TaskCalls | None = None
        self._loop = loop
        self._run_id = run_id
        self._lease_number = lease_number
        self._deadline = deadline
        self._on_end = on_end
        self._riders: list[_Item] = []
        self._to_open: list[_Item] = []
        self._background: set[asyncio.Task[None]] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._watch_timer: asyncio.TimerHandle | None = None
        self._out_of_reach = False
        self.limited_until: datetime | None = None
        """When the API, which had too many calls of this app, takes the next one."""
        self.end: RunInterrupt | None = None
        """Set when nothing can be stored any more: what to unwind the run with."""

    async def store(self, frame: TaskFrame, text: bytes, *, keep: bool = True) -> StoredTask | None:
        """Store a task, after its parents; returns when the platform has it, with what it answered of it.

        Args:
            text: its record as JSON.
            keep: it is true also when the call fails, so that a later one or the reply brings it.
        Raises:
            ApiOutOfReach: given up; the record is kept for the reply.
            RunInterrupt: ``end``.
        """
        if self.end is not None:
            raise self.end
        parent = frame.parent
        left_s = self._patience_s
        give_up_at = self._loop.time() + left_s
        attempt = 0
        try:
            while not self._out_of_reach:
                try:
                    if self._riders or not (parent is None or parent.announced):
                        return (await self._put_with_riders(left_s, (parent, text)))[-1]
                    calls = self._calls(left_s)
                    store = calls.store_lone if frame.is_lone else calls.store
                    return await store(self._run_id, self._lease_number, text, left_s)
                except Exception as error:
                    delay_s, retry_at = self._pause_after(error, attempt)
                left_s = give_up_at - self._loop.time() - delay_s
                if left_s < 0:
                    self._out_of_reach, self.limited_until = True, retry_at
                else:
                    attempt += 1
                    await asyncio.sleep(delay_s)
            raise ApiOutOfReach
        except (ApiOutOfReach, asyncio.CancelledError):
            if keep:
                self._keep(TaskRecord.parse(text), parent)
            raise

    def note(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        """Keep what is done already, such as a log line, for the next call. From any thread.

        It gets a call of its own when none comes within a second.
        """
        if runs_here(self._loop):
            self._keep(record, parent)
        else:
            self._loop.call_soon_threadsafe(self._keep, record, parent)

    def _keep(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        self._riders.append((parent, record))
        if len(self._riders) >= _MAX_BUFFERED_LOGS:
            self._flush()
        elif self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(RIDE_ALONG_S, self._flush)

    def watch(self, frame: TaskFrame, working: Set[TaskFrame]) -> None:
        """Announce a task that is still ``working`` in a second or two."""
        frame.watched_since = self._loop.time()
        if self._watch_timer is None:
            self._watch_timer = self._loop.call_later(ANNOUNCE_AFTER_S, self._look, working)

    def _look(self, working: Set[TaskFrame]) -> None:
        self._watch_timer = None
        long_ago = self._loop.time() - ANNOUNCE_AFTER_S + _TIMER_PRECISION_S
        for frame in working:
            if frame.watched_since is None:
                continue
            if frame.watched_since <= long_ago:
                frame.watched_since = None
                if self.end is None and not self._out_of_reach and not frame.announced:
                    self._in_background(self._announce_task(frame))
            elif self._watch_timer is None:
                self._watch_timer = self._loop.call_later(ANNOUNCE_AFTER_S, self._look, working)

    def open_wait(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        """Store a wait in the background, so that its time begins now; the reply will state it again."""
        if self.end is None and not self._out_of_reach:
            self._to_open.append((parent, record))
            if len(self._to_open) == 1:
                self._in_background(self._open_waits())

    def drain(self) -> list[TaskRecord]:
        """Everything that may not be stored yet, for the reply. Storing it twice changes nothing."""
        riders, self._riders = self._riders, []
        return with_parents(riders)

    async def relieve_reply(self) -> None:
        """Store the log lines now if they are many: the reply, which else carries them, is limited."""
        if self.end is not None or self._out_of_reach:
            return
        if sum(len(record.to_wire_bytes()) for _, record in self._riders) > _MAX_REPLY_LOG_BYTES:
            await self._send_riders()

    async def close(self) -> None:
        """Stop what still goes on in the background."""
        for timer in (self._flush_timer, self._watch_timer):
            if timer is not None:
                timer.cancel()
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
        if self._own is not None:
            self._own.close()

    @property
    def _patience_s(self) -> float:
        """Seconds that storing may take."""
        return min(self._api.patience_s, (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000)

    def _calls(self, left_s: float) -> TaskCalls:
        if self._shared is not None and left_s >= CALL_TIMEOUT_S:
            return self._shared
        if self._own is None:
            self._own = TaskCalls(self._api)
        return self._own

    async def _put_with_riders(
        self, timeout_s: float, *items: tuple[TaskFrame | None, bytes]
    ) -> list[StoredTask | None]:
        riders, self._riders = self._riders, []
        try:
            return await self._put(self._calls(timeout_s), [*_written(riders), *items], timeout_s)
        except BaseException:
            self._riders = [*riders, *self._riders]
            raise

    async def _put(
        self, calls: TaskCalls, items: Sequence[tuple[TaskFrame | None, bytes]], timeout_s: float
    ) -> list[StoredTask | None]:
        """Store records together, before each what is not known of its parents."""
        told: list[TaskFrame] = []
        puts: list[asyncio.Future[StoredTask | None]] = []
        for parent, text in items:
            new = unknown_parents(parent, set())
            told += new
            parents = {frame.key: frame.text("RUNNING") for frame in new}
            puts.append(calls.store(self._run_id, self._lease_number, text, timeout_s, parents))
        stored = await asyncio.gather(*puts)
        for frame in told:
            frame.announced = True
        return stored

    def _pause_after(self, error: Exception, attempt: int = 0) -> tuple[float, datetime | None]:
        """Seconds after which a failed call may be repeated, and when the API says that it may.

        Raises:
            RunInterrupt: it may not.
        """
        if isinstance(error, ApiError) and error.is_temporary:
            return pause_s(error, attempt), error.retry_at
        if self.end is None:
            ends = isinstance(error, ApiError) and error.ends_execution
            refusal = WireError(message=str(error), name=type(error).__name__)
            self.end = ExecutionEnded(str(error)) if ends else ExecutionRefused(refusal)
            self._on_end(self.end)
        raise self.end from error

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._riders and self.end is None and not self._out_of_reach:
            self._in_background(self._send_riders())

    async def _send_riders(self) -> None:
        """Once; those that it does not take go with the next call or the reply."""
        try:
            await self._put_with_riders(self._patience_s)
        except BaseException as error:
            self._overlook(error)

    async def _open_waits(self) -> None:
        await asyncio.sleep(0)  # those that are met side by side go together
        waits, self._to_open = self._to_open, []
        await self._announce(_written(waits))

    async def _announce_task(self, frame: TaskFrame) -> None:
        if await self._announce([(frame.parent, frame.text("RUNNING"))]):
            frame.announced = True

    async def _announce(self, items: Sequence[tuple[TaskFrame | None, bytes]]) -> bool:
        """Only a courtesy: the task's end, or the reply, says the same."""
        calls = TaskCalls(self._api)
        try:
            await self._put(calls, items, CALL_TIMEOUT_S)
            return True
        except BaseException as error:
            self._overlook(error)
            return False
        finally:
            calls.close()

    def _overlook(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        with suppress(RunInterrupt):  # which has been told
            self._pause_after(error)

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _written(items: Sequence[_Item]) -> list[tuple[TaskFrame | None, bytes]]:
    return [(parent, record.to_wire_bytes()) for parent, record in items]
