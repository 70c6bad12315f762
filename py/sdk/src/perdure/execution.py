"""One EXECUTE_JOB: call the job from the top, and turn its end into the reply."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perdure.clock import Deadline
from perdure.codec import is_async
from perdure.compensation import Compensations, ReplayOver
from perdure.dependencies import Context, Resolver
from perdure.errors import (
    ApiError,
    ExecutionEnded,
    ExecutionRefused,
    JobExited,
    PerdureError,
    describe_error,
    find_interrupt,
)
from perdure.io.async_io import IO
from perdure.io.sync import SyncIO
from perdure.job import AnyJob, InvalidPayloadError
from perdure.ledger import TaskLedger, current_caller
from perdure.logger import RunLogger
from perdure.recorder import Recorder
from perdure.runner import TaskRunner
from perdure.suspension import Suspensions, Yield, reply_to_suspension
from perdure.task_calls import TaskCalls
from perdure.threads import one_thread, run_in_thread
from perdure.wire.execution import ExecuteJob, Surroundings
from perdure.wire.replies import (
    Canceled,
    ErrorReply,
    ExecuteJobReply,
    InvalidPayload,
    UnresolvedAuthError,
)
from perdure.wire.tasks import CachedTask, TaskRecord, WireError

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.integrations import Integration

EFFECTS_EXTENSION, SHARED_CALLS_EXTENSION = 2, 3
"""First versions of the protocol's extension: with effects, with calls for many runs."""

_making = threading.Lock()


class Machinery(NamedTuple):
    """What ``io`` works with."""

    ledger: TaskLedger
    suspensions: Suspensions
    recorder: Recorder
    compensations: Compensations
    runner: TaskRunner
    logger: RunLogger

    async def close(self) -> list[TaskRecord]:
        """Stop what the job left behind. Returns what may not be stored yet, for the reply."""
        await self.suspensions.cancel_rest()
        await self.recorder.relieve_reply()
        await self.recorder.close()
        return self.recorder.drain()


Work: TypeAlias = "asyncio.Task[ExecuteJobReply | bytes]"
"""Of a job that returned: the reply's ``output``, with a comma before, or nothing."""


def _text(reply: ExecuteJobReply | bytes, records: Sequence[TaskRecord]) -> bytes:
    if isinstance(reply, bytes):
        tasks = b',"tasks":[%b]' % b",".join([one.to_wire_bytes() for one in records]) if records else b""
        return b'{"status":"SUCCESS"%b%b}' % (reply, tasks)
    if records:
        reply = reply.model_copy(update={"tasks": [*records, *(reply.tasks or [])]})
    return reply.to_wire_bytes()


class Execution:
    """One execution of a run; ``io`` asks it for what it works with.

    Args:
        body: of ``request``.
        extension_version: what the platform speaks: ``x-perdure-version``.
        time_left_ms: what the host still allows, if it says so; the platform's own limit counts besides.
    """

    def __init__(
        self,
        app: Perdure,
        job: AnyJob,
        request: ExecuteJob,
        body: bytes,
        *,
        extension_version: int = EFFECTS_EXTENSION,
        time_left_ms: float | None = None,
    ) -> None:
        self.app = app
        self.request = request
        self._body = body
        self.has_effects = extension_version >= EFFECTS_EXTENSION
        self._shares_calls = extension_version >= SHARED_CALLS_EXTENSION
        self.integrations: Mapping[str, Integration] = {}
        self.job = job
        limit_ms = request.run_chunk_execution_limit
        if time_left_ms is not None:
            limit_ms = time_left_ms if limit_ms is None else min(limit_ms, time_left_ms)
        self._deadline = Deadline(limit_ms)
        self.loop = asyncio.get_running_loop()
        self._tasks: Sequence[CachedTask] = request.tasks
        self._owner: int | None = None
        self._machinery: Machinery | None = None
        self._is_called = self._is_over = False
        self.took_ms = 0
        """For how long the job was at work, without its wait for others."""

    @property
    def machinery(self) -> Machinery:
        """Made when it is first asked for, from whichever thread."""
        made = self._machinery
        if made is None:
            with _making:
                made = self._machinery = self._machinery or self._make_machinery()
        return made

    @cached_property
    def context(self) -> Context:
        """What the job may ask for: made when it does."""
        return Context.of(self.request, Surroundings.parse(self._body))

    def _make_machinery(self) -> Machinery:
        api, loop, deadline, run_id = self.app.api, self.loop, self._deadline, self.request.run.id
        ledger, suspensions = TaskLedger(self._tasks, owner=self._owner), Suspensions(deadline)
        recorder = Recorder(
            api,
            TaskCalls.shared(api, loop) if self._shares_calls and api.shares_calls else None,
            run_id=run_id,
            lease_number=self.request.perdure.lease_number,
            deadline=deadline,
            on_end=suspensions.interrupt_all,
            loop=loop,
        )
        suspensions.open_early = recorder.open_wait
        compensations = Compensations.of(run_id, ledger)
        runner = TaskRunner(run_id, ledger, recorder, suspensions, deadline, compensations)
        logger = RunLogger(run_id, self.request.job.id, ledger, recorder)
        if self._is_over:
            suspensions.close()
        return Machinery(ledger, suspensions, recorder, compensations, runner, logger)

    async def run(self) -> bytes:
        """Execute. Returns the reply, as JSON text; never raises for anything the job does."""
        work = self.begin()
        try:
            await work
        except BaseException:
            if (request := asyncio.current_task()) is not None and request.cancelling():
                work.cancel()  # not the job, but the request for it is being cancelled: the host shuts down
                raise
        return self.reply_at_once(work) or await self.conclude(work)

    def begin(self) -> Work:
        """Begin, in a task of its own: the job may be cancelled, and who waits for it not."""
        work = self.loop.create_task(self._work())
        self._owner = id(work)
        return work

    def reply_at_once(self, work: Work) -> bytes | None:
        """The reply to work that has ended, if that is all there is to do; else ``conclude``."""
        failed = work.cancelled() or work.exception() is not None
        if failed or self._machinery is not None or not isinstance(work.result(), bytes):
            return None
        self._end_io()
        return _text(work.result(), [])

    async def conclude(self, work: Work) -> bytes:
        """The reply to work that has ended."""
        try:
            reply = await self._conclusion(work)
        finally:
            self._end_io()
        return _text(reply, await self._machinery.close() if self._machinery is not None else [])

    async def _work(self) -> ExecuteJobReply | bytes:
        try:
            await self._read_all_tasks()
        except ApiError as error:
            if error.ends_execution:
                return Canceled()
            if not error.is_temporary:
                return ErrorReply(error=describe_error(error))
            return reply_to_suspension([Yield("cached_tasks", None, error.retry_at)], self._deadline)
        try:
            payload = self.job.decode_payload(self.request.event.payload)
        except InvalidPayloadError as error:
            return InvalidPayload(errors=error.problems)
        except PerdureError as error:  # an annotation that pydantic cannot use
            return ErrorReply(error=describe_error(error))
        if not self._tasks and not self.request.run.is_test:  # with tasks, it was asked before them
            problem = await self.job.on.verify(self.request.event)
            if problem is not None:
                return ErrorReply(error=WireError(message=f"Payload verification failed. {problem}"))
        if self.job.integrations:
            self.integrations, issues = await self.app.auth.resolve(
                self.job.integrations, self.request.connections, self.context
            )
            if issues:
                return UnresolvedAuthError(issues=issues)
        self._is_called = True
        output = await self._guarded(payload)
        if self._machinery is not None:
            self._machinery.suspensions.check()  # the job swallowed an interrupt and returned
        return b"" if output is None else b',"output":%b' % self.job.output_codec.encode_text(output)

    async def _read_all_tasks(self) -> None:
        cursor = self.request.cached_task_cursor
        while cursor is not None:
            page = await self.app.api.get_cached_tasks(self.request.run.id, cursor)
            self._tasks = [*self._tasks, *page.tasks]
            cursor = page.cursor

    async def _conclusion(self, work: Work) -> ExecuteJobReply | bytes:
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        if error is not None:
            if not self._is_called:
                raise error
            try:
                return await self._end(error, self.machinery)
            finally:
                held: BaseException | None = error
                while held is not None and held.__traceback__:  # by its frames; may be its own cause
                    held.__traceback__, held = None, held.__cause__
        if self._machinery is not None:
            failure = self._machinery.compensations.failure
            if failure is not None:
                return await self._undo(failure, self._machinery)
            for task in self._machinery.ledger.unmet():
                self._machinery.logger.warning(
                    f"the run did {task} before and does not come there any more: the code changed"
                )
        return work.result()

    async def _guarded(self, payload: Any) -> Any:
        began_at = time.monotonic()
        try:
            if self.job.is_async and not self.job.injected:
                return await self._start(payload, {})
            return await self._call_with_dependencies(payload)
        except SystemExit as error:
            raise JobExited(f"the job called sys.exit({error.code!r})") from error
        finally:
            self.took_ms = round((time.monotonic() - began_at) * 1000)

    async def _call_with_dependencies(self, payload: Any) -> Any:
        is_async = self.job.is_async
        async with AsyncExitStack() as stack:
            if not is_async:
                await stack.enter_async_context(one_thread())
            resolver = Resolver(self.context, self.app.dependency_overrides, stack, in_threads=not is_async)
            start = partial(self._start, payload, await resolver.fill(self.job.injected))
            return await (start() if is_async else run_in_thread(start))

    def _start(self, payload: Any, injected: Mapping[str, Any]) -> Any:
        """Call the job's function, in the task or the thread that runs it."""
        if not self.job.is_async:
            self._owner = current_caller()
        if self._tasks:  # the run may be half undone, or its code changed
            _ = self.machinery
        return self.job.call(payload, IO(self) if self.job.is_async else SyncIO(self), injected)

    def _end_io(self) -> None:
        """A thread that the job left behind gets no further."""
        self._is_over = True
        if self._machinery is not None:
            self._machinery.suspensions.close()

    async def _end(self, error: BaseException, machinery: Machinery) -> ExecuteJobReply:
        """The reply to a job that raised."""
        interrupt = machinery.suspensions.interrupt or find_interrupt(error)
        failure = machinery.compensations.failure
        if isinstance(interrupt, ReplayOver) and failure is not None:
            return await self._undo(failure, machinery)
        if interrupt is not None:
            return self._unwound(interrupt, machinery)
        if isinstance(error, KeyboardInterrupt):
            raise error
        return await self._undo(failure or describe_error(error), machinery)

    def _unwound(self, interrupt: BaseException, machinery: Machinery) -> ExecuteJobReply:
        """The reply to a run that cannot go on here."""
        if isinstance(interrupt, ExecutionEnded):
            return Canceled()
        if isinstance(interrupt, ExecutionRefused):
            return ErrorReply(error=interrupt.error)
        return reply_to_suspension(machinery.suspensions.stuck, self._deadline)

    async def _undo(self, failure: WireError, machinery: Machinery) -> ExecuteJobReply:
        compensations = machinery.compensations
        if compensations.failure is None:
            for task in machinery.ledger.unmet_done():
                machinery.logger.warning(
                    f"the run did {task} before and failed before it came there again: "
                    "if it has compensate=, that is not called"
                )
        if not compensations.any:
            return ErrorReply(error=failure)
        await machinery.suspensions.cancel_rest()
        try:
            # Not within the job's task: this is no task's body, and may be cancelled for itself.
            undoing = asyncio.create_task(compensations.undo(machinery.runner, failure, self._undo_call))
            return ErrorReply(error=await undoing)
        except BaseException as error:
            interrupt = machinery.suspensions.interrupt or find_interrupt(error)
            if interrupt is None:
                raise
            return self._unwound(interrupt, machinery)

    def _undo_call(self, undo: Callable[[Any], Any], result: Any) -> Callable[[], Any]:
        call = partial(undo, result)
        return call if self.job.is_async or is_async(undo) else partial(run_in_thread, call)
