"""Stores what an execution does: one call a finished task, calls grouped by nature, logs riding along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from perdure.client import ApiClient, StoredTask
from perdure.clock import Deadline
from perdure.errors import ApiError, ExecutionEnded, ExecutionRefused, RunInterrupt
from perdure.frame import MAX_RECORD_BYTES, TaskFrame, unknown_parents, with_parents
from perdure.shared_calls import SharedCalls
from perdure.threads import runs_here
from perdure.transport import CALL_TIMEOUT_S, pause_s
from perdure.wire.tasks import TaskRecord, WireError

_MAX_REPLY_LOG_BYTES = 1024 * 1024
_MAX_BATCH_BYTES = 2 * 1024 * 1024
_MAX_BATCH_RECORDS = 250
_MAX_BUFFERED_LOGS = 250
ANNOUNCE_AFTER_S = 1.0
"""A task that runs longer is announced, so that people see it running."""
RIDE_ALONG_S = 1.0  # a log line waits this long for a call to ride on
_TIMER_PRECISION_S = 0.005
_SHORTEST_CALL_S = 0.25  # even with no time left, one call is worth it
_KEEP_FOR_REPLY_MS = 1000  # stop repeating a call while there is still time to answer with its records


class ApiOutOfReach(Exception):
    """The API did not take the records in time; they travel with the reply instead."""


_Item: TypeAlias = tuple[TaskFrame | None, TaskRecord]
"""A record and the task it is in."""

_Text: TypeAlias = tuple[TaskFrame | None, str, bytes]
"""The same with its key, as JSON."""


@dataclass(eq=False, slots=True)
class _Entry:
    frame: TaskFrame
    text: bytes
    keep: bool
    done: asyncio.Future[StoredTask]

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Recorder:
    """Sends the records of one execution. While one call is under way the next ones gather and go together.

    The first caller sends what comes in the same turn of the event loop, an asyncio task what comes later.

    Args:
        lease_number: fences every write.
        on_end: called once, with ``end``, when the platform does not want this execution any more.
        loop: the event loop of the execution.
    """

    def __init__(
        self,
        api: ApiClient | SharedCalls,
        *,
        run_id: str,
        lease_number: int,
        deadline: Deadline,
        on_end: Callable[[RunInterrupt], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._api = api
        self._loop = loop
        self._run_id = run_id
        self._lease_number = lease_number
        self._deadline = deadline
        self._on_end = on_end
        self._waiting: list[_Entry] = []
        self._sending: list[_Entry] = []
        self._logs: list[_Item] = []
        self._unsent: list[_Item] = []
        self._is_led = False
        self._sender: asyncio.Task[None] | None = None
        self._to_open: list[_Item] = []
        self._background: set[asyncio.Task[None]] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._watch_timer: asyncio.TimerHandle | None = None
        self._out_of_reach = False
        self.limited_until: datetime | None = None
        """When the API, which had too many calls of this app, takes the next one."""
        self.end: RunInterrupt | None = None
        """Set when nothing can be stored any more: what to unwind the run with."""

    async def store(self, frame: TaskFrame, text: bytes, *, keep: bool = True) -> StoredTask:
        """Store a task, after its parents; returns when the platform has it, with what it answered.

        Args:
            text: its record as JSON.
            keep: it is true also when the call fails, so that the reply may bring it.
        Raises:
            ApiOutOfReach: given up; the record is kept for the reply.
            RunInterrupt: ``end``.
        """
        if self.end is not None:
            raise self.end
        entry = _Entry(frame, text, keep, self._loop.create_future())
        if self._out_of_reach:
            self._unsent += _kept([entry])
            raise ApiOutOfReach
        self._waiting.append(entry)
        if not self._is_sending:
            await self._lead(entry)
        return await entry.done

    def note(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        """Keep what is done already, such as a log line, for the next call. From any thread.

        It gets a call of its own when none comes within a second.
        """
        if runs_here(self._loop):
            self._keep(record, parent)
        else:
            self._loop.call_soon_threadsafe(self._keep, record, parent)

    def _keep(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        self._logs.append((parent, record))
        if len(self._logs) >= _MAX_BUFFERED_LOGS:
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
                    item = (frame.parent, frame.key, frame.text("RUNNING"))
                    self._in_background(self._announce([item], frame))
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
        pending = [*self._unsent, *self._logs, *_kept([*self._sending, *self._waiting])]
        self._unsent, self._logs, self._sending, self._waiting = [], [], [], []
        return with_parents(pending)

    async def relieve_reply(self) -> None:
        """Store the log lines now if they are many: the reply, which else carries them, is limited."""
        if self.end is not None or self._out_of_reach:
            return
        if sum(len(text) for _, _, text in _written(self._logs)) > _MAX_REPLY_LOG_BYTES:
            logs, self._logs = self._logs, []
            remaining_s = (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000
            await self._send_logs(logs, timeout_s=min(CALL_TIMEOUT_S, max(remaining_s, _SHORTEST_CALL_S)))

    async def close(self) -> None:
        """Stop what still goes on in the background."""
        for timer in (self._flush_timer, self._watch_timer):
            if timer is not None:
                timer.cancel()
        tasks = [task for task in (self._sender, *self._background) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _is_sending(self) -> bool:
        return self._is_led or (self._sender is not None and not self._sender.done())

    async def _lead(self, first: _Entry) -> None:
        self._is_led = True
        try:
            await asyncio.sleep(0)
            await self._send_batch()
        except asyncio.CancelledError:
            first.done.cancel()
            raise
        finally:
            self._is_led = False
            if self._waiting:
                self._sender = asyncio.create_task(self._send_waiting())

    async def _send_waiting(self) -> None:
        while self._waiting:
            await self._send_batch()

    async def _send_batch(self) -> None:
        batch = self._take_batch()
        try:
            stored = await self._deliver(batch)
        except (RunInterrupt, ApiOutOfReach) as error:
            for entry in batch:
                entry.fail(error)
        else:
            for entry, task in zip(batch, stored, strict=True):
                if not entry.done.done():
                    entry.done.set_result(task)

    def _take_batch(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        while self._waiting and len(batch) < _MAX_BATCH_RECORDS:
            size += len(self._waiting[0].text)
            if batch and size > _MAX_BATCH_BYTES:
                break
            batch.append(self._waiting.pop(0))
        return batch

    async def _deliver(self, batch: list[_Entry]) -> list[StoredTask]:
        """Store the log lines and these, which wait again if it is cancelled.

        Raises:
            ApiOutOfReach: given up; they are kept for the reply.
            RunInterrupt: ``end``.
        """
        logs, self._logs = self._logs, []
        texts = _written(logs)
        texts += [(entry.frame.parent, entry.frame.key, entry.text) for entry in batch]
        self._sending = batch
        try:
            stored = await self._put_patiently(texts)
        except asyncio.CancelledError:
            self._logs = [*logs, *self._logs]
            self._waiting = [*batch, *self._waiting]
            raise
        except RunInterrupt as end:
            self._finish(end)
            raise
        except ApiOutOfReach as error:
            self._out_of_reach = True
            self._logs = [*logs, *self._logs]
            self._unsent += _kept([*batch, *self._waiting])
            self._fail_waiting(error)
            raise
        finally:
            self._sending = []
        return stored[len(logs) :]

    async def _put_patiently(self, texts: Sequence[_Text]) -> list[StoredTask]:
        budget_s = min(self._api.patience_s, (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000)
        give_up_at = self._loop.time() + budget_s
        attempt = 0
        while True:
            try:
                timeout_s = min(CALL_TIMEOUT_S, max(give_up_at - self._loop.time(), _SHORTEST_CALL_S))
                return await self._put(texts, timeout_s=timeout_s)
            except ApiError as error:
                delay_s = pause_s(error, attempt)
                if self._loop.time() + delay_s > give_up_at:
                    self.limited_until = error.retry_at
                    raise ApiOutOfReach from error
            attempt += 1
            await asyncio.sleep(delay_s)

    async def _put(self, items: Sequence[_Text], *, timeout_s: float = CALL_TIMEOUT_S) -> list[StoredTask]:
        """One call, or several for more than one takes. Raises ApiError only when they may be repeated."""
        told: list[TaskFrame | None] = []
        texts: list[bytes] = []
        stated: set[str] = set()
        for parent, key, text in items:
            for frame in unknown_parents(parent, stated):
                told.append(frame)
                texts.append(frame.text("RUNNING"))
            stated.add(key)
            told.append(None)
            texts.append(text)
        stored: list[StoredTask] = []
        try:
            for part in _parts(texts):
                answers = await self._put_records(texts[part], timeout_s)
                for new, answer in zip(told[part], answers, strict=True):
                    if new is None:
                        stored.append(answer)
                    else:
                        new.announced = True
        except ApiError as error:
            if error.ends_execution:
                raise ExecutionEnded(str(error)) from error
            if error.is_temporary:
                raise
            raise _refused(error) from error
        except Exception as error:
            raise _refused(error) from error
        return stored

    async def _put_records(self, records: list[bytes], timeout_s: float) -> list[StoredTask]:
        body = b'{"leaseNumber":%d,"tasks":[%b]}' % (self._lease_number, b",".join(records))
        answer = await self._api.store_tasks(self._run_id, body, timeout_s=timeout_s)
        if len(answer.tasks) != len(records):
            raise ApiError(f"the API stored {len(answer.tasks)} of {len(records)} tasks")
        return answer.tasks

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if not self._logs or self.end is not None or self._out_of_reach:
            return
        if self._is_sending:  # let them ride on its next call; look again later
            self._flush_timer = asyncio.get_running_loop().call_later(RIDE_ALONG_S, self._flush)
            return
        logs, self._logs = self._logs, []
        self._in_background(self._send_logs(logs))

    async def _send_logs(self, logs: list[_Item], *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        try:
            await self._put(_written(logs), timeout_s=timeout_s)
        except RunInterrupt as end:
            self._finish(end)
        except (ApiError, asyncio.CancelledError) as error:
            self._logs = [*logs, *self._logs]  # they go with the next call or the reply
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _open_waits(self) -> None:
        await asyncio.sleep(0)  # those that are met side by side go together
        waits, self._to_open = self._to_open, []
        await self._announce(_written(waits), None)

    async def _announce(self, items: Sequence[_Text], frame: TaskFrame | None) -> None:
        try:
            await self._put(items)
        except RunInterrupt as end:
            self._finish(end)
        except ApiError:
            return  # only a courtesy: the task's end, or the reply, says the same
        if frame is not None:
            frame.announced = True

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _finish(self, end: RunInterrupt) -> None:
        if self.end is None:
            self.end = end
            self._fail_waiting(end)
            self._on_end(end)

    def _fail_waiting(self, error: BaseException) -> None:
        for entry in self._waiting:
            entry.fail(error)
        self._waiting = []


def _parts(records: Sequence[bytes]) -> Iterator[slice]:
    """As many of the records in a call as it takes."""
    begin = size = 0
    for end, record in enumerate(records):
        if end > begin and size + len(record) > MAX_RECORD_BYTES:
            yield slice(begin, end)
            begin, size = end, 0
        size += len(record) + 1
    if records:
        yield slice(begin, len(records))


def _written(items: Iterable[_Item]) -> list[_Text]:
    return [(parent, record.idempotency_key, record.to_wire_bytes()) for parent, record in items]


def _kept(entries: Iterable[_Entry]) -> list[_Item]:
    return [(entry.frame.parent, TaskRecord.parse(entry.text)) for entry in entries if entry.keep]


def _refused(error: Exception) -> ExecutionRefused:
    return ExecutionRefused(WireError(message=str(error), name=type(error).__name__))
