"""When a run cannot go on: wait until nothing else moves, then unwind it and answer for all that is stuck."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from perdure.clock import Deadline
from perdure.errors import ExecutionEnded, RunInterrupt, Suspended
from perdure.frame import TaskFrame, unknown_parents, with_parents
from perdure.wire.replies import (
    AutoYieldExecution,
    AutoYieldRateLimit,
    ExecuteJobReply,
    ResumeWithTask,
    RetryWithTask,
    TaskReference,
    YieldExecution,
)
from perdure.wire.tasks import RetryPolicy, TaskRecord, WireError

_SETTLE_TURNS = 5  # of the event loop, in which tasks that were just created or woken get going
_KEEP_FOR_REPLY_MS = 250
_CLEAN_UP_S = 1.0  # that a cancelled sibling may take to clean up


@dataclass(frozen=True, slots=True)
class Wait:
    """A call that goes on when its task is done waiting: a record to open, or a task that already waits."""

    task: TaskRecord | TaskReference
    parent: TaskFrame | None
    delay_s: float


@dataclass(frozen=True, slots=True)
class RetryLater:
    """A task whose try failed and that is to be tried again."""

    task: TaskRecord | TaskReference
    parent: TaskFrame | None
    error: WireError
    attempts: int
    retry: RetryPolicy | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Yield:
    """A call that could go on in another execution only: no time left, or the API out of reach."""

    location: str
    parent: TaskFrame | None
    not_before: datetime | None = None
    """When the API takes calls again, if it is a limit that keeps it from that."""


@dataclass(frozen=True, slots=True)
class YieldNow:
    """``io.yield_execution``: the user wants a fresh execution from here."""

    key: str
    parent: TaskFrame | None


Suspension = Wait | RetryLater | Yield | YieldNow


class Suspensions:
    """Which tasks move and which calls are stuck, in one execution.

    A stuck call does not unwind the run at once: sibling tasks (``asyncio.gather``) that are at work finish
    first and are stored. When every task at work only contains stuck calls, all of them unwind together.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.open_early: Callable[[TaskRecord, TaskFrame | None], None] | None = None
        """Starts the clock of a wait that has to wait for siblings."""
        self.working: set[TaskFrame] = set()
        """The tasks at work."""
        self._containing: set[TaskFrame] | None = None
        self._stuck_tasks: set[asyncio.Task[object]] = set()
        self._changed: asyncio.Event | None = None  # when somebody waits for it
        self.stuck: list[Suspension] = []
        """What cannot go on, in the order in which it was met."""
        self.interrupt: RunInterrupt | None = None
        """Set once the run is being unwound; every later call of ``io`` raises it again."""

    def started(self, frame: TaskFrame) -> None:
        """A task's body begins."""
        self.working.add(frame)

    def ended(self, frame: TaskFrame) -> None:
        """A task is finished and stored, or unwound."""
        self.working.discard(frame)
        self._wake()

    def check(self) -> None:
        """Raise the interrupt again if the run is being unwound: code that swallowed it gets no further."""
        if self.interrupt is not None:
            raise self.interrupt

    def check_body(self, frame: TaskFrame) -> None:
        """Raise the interrupt again if the task's body swallowed it: what it returned is no result."""
        if self.interrupt is not None and frame in self._frames_of_stuck():
            raise self.interrupt

    async def suspend(self, suspension: Suspension) -> NoReturn:
        """Unwind the run as soon as nothing else moves.

        Raises:
            Suspended: always.
        """
        self.check()
        self.stuck.append(suspension)
        self._containing = None
        task = asyncio.current_task()
        if task is not None:
            self._stuck_tasks.add(task)
        self._wake()
        try:
            if not await self._settled():
                if (
                    self.open_early
                    and isinstance(suspension, Wait)
                    and isinstance(suspension.task, TaskRecord)
                ):
                    self.open_early(suspension.task, suspension.parent)
                while self.interrupt is None and not await self._settled():
                    await self._next_change()
        except asyncio.CancelledError:  # a task group gave up on this call; the run itself may go on
            if self.interrupt is None:
                self.stuck.remove(suspension)
                self._containing = None
            raise
        if self.interrupt is None:
            if not self._all_stuck():  # no time left for what is at work: it begins anew at once
                self.stuck.append(Yield("time_is_up", None))
            self.interrupt = Suspended()
            self._wake()
        raise self.interrupt

    def close(self) -> None:
        """The execution is over: a thread that it left behind gets no further; nothing refers here."""
        if self.interrupt is None:
            self.interrupt = ExecutionEnded()
        self.interrupt.__traceback__ = None
        self.open_early = None

    def interrupt_all(self, interrupt: RunInterrupt) -> None:
        """Unwind the run now: stuck calls are woken, tasks at work are cancelled."""
        if self.interrupt is None:
            self.interrupt = interrupt
        self._wake()
        for task in {frame.asyncio_task for frame in self.working}:
            if task is not None:
                task.cancel()

    async def cancel_rest(self) -> None:
        """After run() has ended: stop what it left behind (siblings of an interrupted ``gather``)."""
        left = {
            frame.asyncio_task for frame in self.working if frame.asyncio_task is not None
        } | self._stuck_tasks
        left -= {asyncio.current_task()}
        at_work = [task for task in left if not task.done()]
        for task in at_work:
            task.cancel()
        if at_work:
            await asyncio.wait(at_work, timeout=_CLEAN_UP_S)
        for task in left:
            if task.done() and not task.cancelled():
                task.exception()  # seen: nothing is to be logged about it

    async def _settled(self) -> bool:
        for _ in range(_SETTLE_TURNS):
            await asyncio.sleep(0)
        return self._deadline.remaining_ms < _KEEP_FOR_REPLY_MS or self._all_stuck()

    def _all_stuck(self) -> bool:
        """True when every task at work only contains stuck calls."""
        return self.working <= self._frames_of_stuck()

    def _frames_of_stuck(self) -> set[TaskFrame]:
        if self._containing is None:
            parents = {one.parent for one in self.stuck if one.parent is not None}
            self._containing = {frame for one in parents for frame in (one, *one.ancestors())}
        return self._containing

    async def _next_change(self) -> None:
        changed = self._changed = self._changed or asyncio.Event()
        remaining_s = (self._deadline.remaining_ms - _KEEP_FOR_REPLY_MS) / 1000
        try:
            async with asyncio.timeout(remaining_s if remaining_s < float("inf") else None):
                await changed.wait()
        except TimeoutError:
            pass

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None


def reply_to_suspension(stuck: Sequence[Suspension], deadline: Deadline) -> ExecuteJobReply:
    """Choose the reply and let the other waits travel with it.

    A reply moves the run by one task. A retry comes first, since only its reply counts the try; of several
    the one with the fewest tries, so that each is counted in turn. Then a yield, since there is work to do
    now: first one that the job asked for. Then the shortest wait.
    """
    waits = [one for one in stuck if isinstance(one, Wait)]
    retries = [one for one in stuck if isinstance(one, RetryLater)]
    yields = [one for one in stuck if isinstance(one, Yield)]
    asked = [one for one in stuck if isinstance(one, YieldNow)]
    if retries:
        retry = min(retries, key=lambda one: one.attempts)
        return RetryWithTask(
            task=retry.task,
            error=retry.error,
            retry=retry.retry,
            retry_at=retry.retry_at,
            tasks=_records(waits, retry.parent),
        )
    if asked:
        return YieldExecution(key=asked[0].key, tasks=_records(waits, None))
    not_before = max((one.not_before for one in yields if one.not_before is not None), default=None)
    if not_before is not None:
        return AutoYieldRateLimit(reset=not_before.timestamp() * 1000, tasks=_records(waits, None))
    if yields:
        remaining_ms = deadline.remaining_ms
        return AutoYieldExecution(
            location=yields[0].location,
            time_remaining=remaining_ms if math.isfinite(remaining_ms) else 0,
            time_elapsed=deadline.elapsed_ms,
            limit=deadline.limit_ms,
            tasks=_records(waits, None),
        )
    # One that the platform has not stored yet is the reply itself; known ones wait there already.
    # Of several the last: the others are stored before it, so all stand in the order of the code.
    first = min(reversed(waits), key=lambda one: (isinstance(one.task, TaskReference), one.delay_s))
    return ResumeWithTask(
        task=first.task, tasks=_records([one for one in waits if one is not first], first.parent)
    )


def _records(waits: Iterable[Wait], parent: TaskFrame | None) -> list[TaskRecord] | None:
    """The waits to open besides the reply's own task, whose ``parent`` chain must be known before it."""
    items = [(one.parent, one.task) for one in waits if isinstance(one.task, TaskRecord)]
    records = with_parents(items)
    stated = {record.idempotency_key for record in records}
    announcements = [frame.record("RUNNING") for frame in unknown_parents(parent, stated)]
    return [*records, *announcements] or None  # what they lie in may be among the records
