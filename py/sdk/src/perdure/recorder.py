"""Stores what an execution does: one call a finished task, calls grouped by nature, logs riding along."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from perdure.client import ApiClient, StoredTask
from perdure.deadline import Deadline
from perdure.errors import ApiError, ExecutionEnded, ExecutionRefused, RunInterrupt
from perdure.frame import TaskFrame, with_parents
from perdure.transport import CALL_TIMEOUT_S, pause_s
from perdure.wire.tasks import TaskRecord, WireError

MAX_RECORD_BYTES = 3 * 1024 * 1024 - 1024
"""Most bytes of records in one call: the API takes 3 MiB, with what is around them."""
_MAX_REPLY_LOG_BYTES = 1024 * 1024
_MAX_BATCH_BYTES = 2 * 1024 * 1024
_MAX_BATCH_RECORDS = 250
_MAX_BUFFERED_LOGS = 250
RIDE_ALONG_S = 1.0  # a log line waits this long for a call to ride on
_SHORTEST_CALL_S = 0.25  # even with no time left, one call is worth it
_KEEP_FOR_REPLY_MS = 1000  # stop repeating a call while there is still time to answer with its records


class ApiOutOfReach(Exception):
    """The API did not take the records in time; they travel with the reply instead."""


_Item: TypeAlias = tuple[TaskFrame | None, TaskRecord]
"""A record and the task it is in."""


@dataclass(eq=False, slots=True)
class _Entry:
    parent: TaskFrame | None
    record: TaskRecord
    text: bytes
    keep: bool
    done: asyncio.Future[StoredTask] = field(repr=False)


class Recorder:
    """Sends the records of one execution. While one call is under way the next ones gather and go together.

    Args:
        lease_number: fences every write.
        on_end: called once when the platform does not want this execution any more.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        run_id: str,
        lease_number: int,
        deadline: Deadline,
        on_end: Callable[[], None],
    ) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._run_id = run_id
        self._lease_number = lease_number
        self._deadline = deadline
        self._on_end = on_end
        self._waiting: list[_Entry] = []
        self._sending: list[_Entry] = []
        self._logs: list[_Item] = []
        self._unsent: list[_Item] = []
        self._sender: asyncio.Task[None] | None = None
        self._to_open: list[_Item] = []
        self._background: set[asyncio.Task[None]] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._out_of_reach = False
        self.limited_until: datetime | None = None
        """When the API, which had too many calls of this app, takes the next one."""
        self.end: RunInterrupt | None = None
        """Set when nothing can be stored any more: what to unwind the run with."""

    async def store(
        self, record: TaskRecord, parent: TaskFrame | None, *, text: bytes, keep: bool = True
    ) -> StoredTask:
        """Store a task; returns when the platform has it, with what it answered.

        Args:
            parent: announced before it if need be.
            text: the record as JSON.
            keep: it is true also when the call fails, so that the reply may bring it.
        Raises:
            ApiOutOfReach: given up; the record is kept for the reply.
            RunInterrupt: ``end``.
        """
        if self.end is not None:
            raise self.end
        entry = _Entry(parent, record, text, keep, asyncio.get_running_loop().create_future())
        if self._out_of_reach:
            self._unsent += _kept([entry])
            raise ApiOutOfReach
        self._waiting.append(entry)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_waiting())
        return await entry.done

    def with_parents(self, record: TaskRecord, parent: TaskFrame | None) -> list[TaskRecord]:
        """A record, and before it announcements of what it lies in, for a caller who stores them himself."""
        return [one for one, _ in with_parents([(parent, record)])]

    def note(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        """Keep what is done already, such as a log line, for the next call. From any thread.

        It gets a call of its own when none comes within a second.
        """
        if threading.get_ident() == self._thread:
            self._keep(record, parent)
        else:
            self._loop.call_soon_threadsafe(self._keep, record, parent)

    def _keep(self, record: TaskRecord, parent: TaskFrame | None) -> None:
        self._logs.append((parent, record))
        if len(self._logs) >= _MAX_BUFFERED_LOGS:
            self._flush()
        elif self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(RIDE_ALONG_S, self._flush)

    def announce(self, frame: TaskFrame) -> None:
        """Tell the platform in the background that a task is running. Nobody waits for it."""
        if self.end is None and not self._out_of_reach and not frame.announced:
            self._in_background(self._announce([(frame.parent, frame.running_record())], frame))

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
        return [record for record, _ in with_parents(pending)]

    async def relieve_reply(self) -> None:
        """Store the log lines now if they are many: the reply, which else carries them, is limited."""
        if self.end is not None or self._out_of_reach:
            return
        if sum(len(record.to_wire_bytes()) for record, _ in with_parents(self._logs)) > _MAX_REPLY_LOG_BYTES:
            logs, self._logs = self._logs, []
            remaining_s = (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000
            await self._send_logs(logs, timeout_s=min(CALL_TIMEOUT_S, max(remaining_s, _SHORTEST_CALL_S)))

    async def close(self) -> None:
        """Stop what still goes on in the background."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        tasks = [task for task in (self._sender, *self._background) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                self._sending = self._take_batch()
                await self._deliver(self._sending)
                self._sending = []
        finally:
            self._sender = None

    def _take_batch(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        while self._waiting and len(batch) < _MAX_BATCH_RECORDS:
            size += len(self._waiting[0].text)
            if batch and size > _MAX_BATCH_BYTES:
                break
            batch.append(self._waiting.pop(0))
        return batch

    async def _deliver(self, batch: list[_Entry]) -> None:
        logs, self._logs = self._logs, []
        try:
            stored = await self._put_patiently(
                [*logs, *((entry.parent, entry.record) for entry in batch)],
                {entry.record.idempotency_key: entry.text for entry in batch},
            )
        except RunInterrupt as end:
            self._finish(end)
            for entry in batch:
                _fail(entry, end)
        except asyncio.CancelledError:
            self._logs = [*logs, *self._logs]
            raise
        except ApiOutOfReach as error:
            self._out_of_reach = True
            self._logs = [*logs, *self._logs]
            self._unsent += _kept([*batch, *self._waiting])
            for entry in (*batch, *self._waiting):
                _fail(entry, error)
            self._waiting = []
        else:
            for entry in batch:
                if not entry.done.done():
                    entry.done.set_result(stored[entry.record.idempotency_key])

    async def _put_patiently(self, items: list[_Item], written: Mapping[str, bytes]) -> dict[str, StoredTask]:
        loop = asyncio.get_running_loop()
        budget_s = min(self._api.patience_s, (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000)
        give_up_at = loop.time() + budget_s
        attempt = 0
        while True:
            try:
                timeout_s = min(CALL_TIMEOUT_S, max(give_up_at - loop.time(), _SHORTEST_CALL_S))
                return await self._put(items, written, timeout_s=timeout_s)
            except ApiError as error:
                delay_s = pause_s(error, attempt)
                if loop.time() + delay_s > give_up_at:
                    self.limited_until = error.retry_at
                    raise ApiOutOfReach from error
            attempt += 1
            await asyncio.sleep(delay_s)

    async def _put(
        self, items: list[_Item], written: Mapping[str, bytes], *, timeout_s: float = CALL_TIMEOUT_S
    ) -> dict[str, StoredTask]:
        """One call, or several for more than one takes. Raises ApiError only when they may be repeated.

        Args:
            written: records that are JSON already, by their keys.
        """
        stored: dict[str, StoredTask] = {}
        try:
            for records, frames in _calls(
                (_text_of(record, frame, written), frame) for record, frame in with_parents(items)
            ):
                for task in await self._put_records(records, frames, timeout_s):
                    stored[task.idempotency_key] = task
        except ApiError as error:
            if error.ends_execution:
                raise ExecutionEnded(str(error)) from error
            if error.is_temporary:
                raise
            raise _refused(error) from error
        except Exception as error:
            raise _refused(error) from error
        return stored

    async def _put_records(
        self, records: list[bytes], frames: list[TaskFrame | None], timeout_s: float
    ) -> list[StoredTask]:
        body = b'{"leaseNumber":%d,"tasks":[%b]}' % (self._lease_number, b",".join(records))
        answer = await self._api.store_tasks(self._run_id, body, timeout_s=timeout_s)
        if len(answer.tasks) != len(records):
            raise ApiError(f"the API stored {len(answer.tasks)} of {len(records)} tasks")
        for frame in frames:
            if frame is not None:
                frame.announced = True
        return answer.tasks

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if not self._logs or self.end is not None or self._out_of_reach:
            return
        if self._sender is not None:  # let them ride on its next call; look again later
            self._flush_timer = asyncio.get_running_loop().call_later(RIDE_ALONG_S, self._flush)
            return
        logs, self._logs = self._logs, []
        self._in_background(self._send_logs(logs))

    async def _send_logs(self, logs: list[_Item], *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        try:
            await self._put(logs, {}, timeout_s=timeout_s)
        except RunInterrupt as end:
            self._finish(end)
        except (ApiError, asyncio.CancelledError) as error:
            self._logs = [*logs, *self._logs]  # they go with the next call or the reply
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _open_waits(self) -> None:
        await asyncio.sleep(0)  # those that are met side by side go together
        waits, self._to_open = self._to_open, []
        await self._announce(waits, None)

    async def _announce(self, items: list[_Item], frame: TaskFrame | None) -> None:
        try:
            await self._put(items, {})
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
            for entry in self._waiting:
                _fail(entry, end)
            self._waiting = []
            self._on_end()


def _calls(
    written: Iterable[tuple[bytes, TaskFrame | None]],
) -> Iterator[tuple[list[bytes], list[TaskFrame | None]]]:
    """Records as JSON and what they announce, as many in a call as it takes."""
    records: list[bytes] = []
    frames: list[TaskFrame | None] = []
    size = 0
    for record, frame in written:
        if records and size + len(record) > MAX_RECORD_BYTES:
            yield records, frames
            records, frames, size = [], [], 0
        records.append(record)
        frames.append(frame)
        size += len(record) + 1
    if records:
        yield records, frames


def _text_of(record: TaskRecord, announced: TaskFrame | None, written: Mapping[str, bytes]) -> bytes:
    text = written.get(record.idempotency_key) if announced is None else None
    return record.to_wire_bytes() if text is None else text


def _kept(entries: Iterable[_Entry]) -> list[_Item]:
    return [(entry.parent, entry.record) for entry in entries if entry.keep]


def _refused(error: Exception) -> ExecutionRefused:
    return ExecutionRefused(WireError(message=str(error), name=type(error).__name__))


def _fail(entry: _Entry, error: BaseException) -> None:
    if not entry.done.done():
        entry.done.set_exception(error)
