"""One EXECUTE_JOB: call the job from the top, and turn its end into the reply."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from perdure.clock import Deadline
from perdure.codec import is_async
from perdure.compensation import ReplayOver
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
from perdure.ledger import current_caller
from perdure.machinery import Machinery
from perdure.suspension import Yield, reply_to_suspension
from perdure.task_calls import TaskCalls
from perdure.threads import one_thread, run_in_thread
from perdure.wire.execution import ExecuteJob
from perdure.wire.replies import (
    Canceled,
    ErrorReply,
    ExecuteJobReply,
    InvalidPayload,
    Success,
    UnresolvedAuthError,
)
from perdure.wire.tasks import CachedTask, WireError

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.integrations import Integration

EFFECTS_EXTENSION = 2
"""First version of the protocol's extension in which the platform understands effects."""
SHARED_CALLS_EXTENSION = 3
"""The same of calls for many runs."""

_making = threading.Lock()


class Execution:
    """One execution of a run; ``io`` asks it for what it works with.

    Args:
        extension_version: what the platform speaks: ``x-perdure-version``.
        time_left_ms: what the host still allows, if it says so; the platform's own limit counts besides.
    """

    def __init__(
        self,
        app: Perdure,
        job: AnyJob,
        request: ExecuteJob,
        *,
        extension_version: int = EFFECTS_EXTENSION,
        time_left_ms: float | None = None,
    ) -> None:
        self.app = app
        self.request = request
        self.has_effects = extension_version >= EFFECTS_EXTENSION
        """True when the platform understands effects."""
        self._shares_calls = extension_version >= SHARED_CALLS_EXTENSION
        self.integrations: Mapping[str, Integration] = {}
        self._job = job
        limits = [one for one in (request.run_chunk_execution_limit, time_left_ms) if one is not None]
        self._deadline = Deadline(min(limits, default=None))
        self.loop = asyncio.get_running_loop()
        self._tasks: Sequence[CachedTask] = request.tasks
        self._owner: int | None = None
        self._machinery: Machinery | None = None
        self._is_over = False
        self.took_ms = 0
        """How long the job was at work, without its wait for the others that the process executes."""

    @property
    def machinery(self) -> Machinery:
        """What ``io`` works with; made when it is first asked for, from whichever thread."""
        made = self._machinery
        if made is None:
            with _making:
                made = self._machinery = self._machinery or self._make_machinery()
        return made

    def _make_machinery(self) -> Machinery:
        api, loop = self.app.api, self.loop
        shared = TaskCalls.shared(api, loop) if self._shares_calls and api.shares_calls else None
        made = Machinery(api, shared, self.request, self._tasks, self._deadline, owner=self._owner, loop=loop)
        if self._is_over:
            made.suspensions.close()
        return made

    async def run(self) -> ExecuteJobReply:
        """Execute, and say how it went. Never raises for anything the job does."""
        try:
            await self._read_all_tasks()
        except ApiError as error:
            if error.ends_execution:
                return Canceled()
            if not error.is_temporary:
                return ErrorReply(error=describe_error(error))
            return reply_to_suspension([Yield("cached_tasks", None, error.retry_at)], self._deadline)
        try:
            payload = self._job.decode_payload(self.request.event.payload)
        except InvalidPayloadError as error:
            return InvalidPayload(errors=error.problems)
        except PerdureError as error:  # an annotation that pydantic cannot use
            return ErrorReply(error=describe_error(error))
        if not self._tasks and not self.request.run.is_test:  # with tasks, it was asked before them
            problem = await self._job.on.verify(self.request.event)
            if problem is not None:
                return ErrorReply(error=WireError(message=f"Payload verification failed. {problem}"))
        if self._job.integrations:
            self.integrations, issues = await self.app.auth.resolve(
                self._job.integrations, self.request.connections, Context.of(self.request)
            )
            if issues:
                return UnresolvedAuthError(issues=issues)
        try:
            reply = await self._call(payload)
        finally:
            self._end_io()
        if self._machinery is None:
            return reply
        records = await self._machinery.close()
        if not records:
            return reply
        return reply.model_copy(update={"tasks": [*records, *(reply.tasks or [])]})

    async def _read_all_tasks(self) -> None:
        cursor = self.request.cached_task_cursor
        while cursor is not None:
            page = await self.app.api.get_cached_tasks(self.request.run.id, cursor)
            self._tasks = [*self._tasks, *page.tasks]
            cursor = page.cursor

    async def _call(self, payload: Any) -> ExecuteJobReply:
        # A task of its own: the job may be cancelled without cancelling the request that waits for it.
        work = asyncio.create_task(self._guarded(payload))
        try:
            output = await work
            if self._machinery is not None:
                self._machinery.suspensions.check()  # the job swallowed an interrupt and returned
            encoded = None if output is None else self._job.output_codec.encode(output)
        except BaseException as error:
            if (request := asyncio.current_task()) is not None and request.cancelling():
                work.cancel()  # not the job, but the request for it is being cancelled: the host shuts down
                raise
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
        return Success() if output is None else Success(output=encoded)

    async def _guarded(self, payload: Any) -> Any:
        began_at = time.monotonic()
        try:
            if self._job.is_async and not self._job.injected:
                return await self._start(payload, {})
            return await self._call_with_dependencies(payload)
        except SystemExit as error:
            raise JobExited(f"the job called sys.exit({error.code!r})") from error
        finally:
            self.took_ms = round((time.monotonic() - began_at) * 1000)

    async def _call_with_dependencies(self, payload: Any) -> Any:
        is_async = self._job.is_async
        async with AsyncExitStack() as stack:
            if not is_async:
                await stack.enter_async_context(one_thread())
            resolver = Resolver(
                Context.of(self.request), self.app.dependency_overrides, stack, in_threads=not is_async
            )
            start = partial(self._start, payload, await resolver.fill(self._job.injected))
            return await (start() if is_async else run_in_thread(start))

    def _start(self, payload: Any, injected: Mapping[str, Any]) -> Any:
        """Call the job's function, in the task or the thread that runs it."""
        self._owner = current_caller()
        if self._tasks:  # the run may be half undone, or its code changed
            _ = self.machinery
        return self._job.call(payload, IO(self) if self._job.is_async else SyncIO(self), injected)

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
        return call if self._job.is_async or is_async(undo) else partial(run_in_thread, call)
