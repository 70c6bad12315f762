"""One EXECUTE_JOB: call the job from the top, and turn its end into the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from perdure.codec import is_async
from perdure.compensation import Compensations, ReplayOver
from perdure.context import Context
from perdure.deadline import Deadline
from perdure.dependencies import Resolver
from perdure.errors import (
    ApiError,
    ExecutionEnded,
    ExecutionRefused,
    JobExited,
    PerdureError,
    describe_error,
    find_interrupt,
)
from perdure.io.async_io import IO, ThreadedIO
from perdure.io.base import ExecutionFacts
from perdure.io.sync import SyncIO
from perdure.job import AnyJob, InvalidPayloadError
from perdure.ledger import TaskLedger, current_caller
from perdure.logger import RunLogger
from perdure.recorder import Recorder
from perdure.replies import reply_to_suspension
from perdure.runner import TaskRunner
from perdure.suspension import Suspension, Suspensions, Wait, Yield
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
from perdure.wire.tasks import CachedTask, TaskRecord, WireError

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.integrations import Integration

EFFECTS_EXTENSION = 2
"""First version of the protocol's extension in which the platform understands effects."""


class Execution:
    """One execution of a run.

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
        self._app = app
        self._job = job
        self._request = request
        self._extension_version = extension_version
        limits = [one for one in (request.run_chunk_execution_limit, time_left_ms) if one is not None]
        self._integrations: Mapping[str, Integration] = {}
        self._deadline = Deadline(min(limits, default=None))
        self._suspensions = Suspensions(self._deadline, on_parked=self._open_early)
        self._recorder = Recorder(
            app.api,
            run_id=request.run.id,
            lease_number=request.perdure.lease_number,
            deadline=self._deadline,
            on_end=self._unwind,
        )

    async def run(self) -> ExecuteJobReply:
        """Execute, and say how it went. Never raises for anything the job does."""
        try:
            tasks = await self._all_tasks()
        except ApiError as error:
            if error.ends_execution:
                return Canceled()
            if not error.is_temporary:
                return ErrorReply(error=describe_error(error))
            return reply_to_suspension([Yield("cached_tasks", None, error.retry_at)], self._deadline)
        try:
            payload = self._job.decode_payload(self._request.event.payload)
        except InvalidPayloadError as error:
            return InvalidPayload(errors=error.problems)
        except PerdureError as error:  # an annotation that pydantic cannot use
            return ErrorReply(error=describe_error(error))
        if not tasks and not self._request.run.is_test:  # with tasks, it was asked before them
            problem = await self._job.on.verify(self._request.event)
            if problem is not None:
                return ErrorReply(error=WireError(message=f"Payload verification failed. {problem}"))
        context = Context.of(self._request)
        if self._job.integrations:
            self._integrations, issues = await self._app.auth.resolve(
                self._job.integrations, self._request.connections, context
            )
            if issues:
                return UnresolvedAuthError(issues=issues)
        try:
            reply = await self._call(payload, context, TaskLedger(tasks))
        finally:
            self._suspensions.close()
        await self._suspensions.cancel_rest()
        await self._recorder.relieve_reply()
        await self._recorder.close()
        records = self._recorder.drain()
        if not records:
            return reply
        return reply.model_copy(update={"tasks": [*records, *(reply.tasks or [])]})

    async def _all_tasks(self) -> list[CachedTask]:
        tasks = list(self._request.tasks)
        cursor = self._request.cached_task_cursor
        while cursor is not None:
            page = await self._app.api.get_cached_tasks(self._request.run.id, cursor)
            tasks += page.tasks
            cursor = page.cursor
        return tasks

    async def _call(self, payload: Any, context: Context, ledger: TaskLedger) -> ExecuteJobReply:
        run_id = self._request.run.id
        compensations = Compensations.of(run_id, ledger)
        runner = TaskRunner(run_id, ledger, self._recorder, self._suspensions, self._deadline, compensations)
        logger = RunLogger(run_id, self._job.id, ledger, self._recorder)
        # A task of its own: the job may be cancelled without cancelling the request that waits for it.
        work = asyncio.create_task(self._guarded(payload, context, self._io(runner, logger), ledger))
        try:
            output = await work
            if self._suspensions.interrupt is not None:
                raise self._suspensions.interrupt  # the job swallowed it and returned
            encoded = None if output is None else self._job.output_codec.encode(output)
        except BaseException as error:
            if not work.done():
                work.cancel()  # the request itself is being cancelled: the host shuts down
                raise
            return await self._end(error, runner, compensations)
        if compensations.failure is not None:
            return await self._undo(compensations.failure, runner, compensations)
        for task in ledger.unmet():
            logger.warning(f"the run did {task} before and does not come there any more: the code changed")
        return Success() if output is None else Success(output=encoded)

    def _io(self, runner: TaskRunner, logger: RunLogger) -> IO | SyncIO:
        facts = ExecutionFacts(
            runner=runner,
            api=self._app.api,
            client_id=self._app.id,
            job_id=self._job.id,
            environment_id=self._request.environment.id,
            lease_number=self._request.perdure.lease_number,
            database=self._app.database,
            yielded=frozenset(self._request.yielded_executions),
            has_effects=self._extension_version >= EFFECTS_EXTENSION,
        )
        if self._job.is_async:
            return IO(facts, logger, self._integrations)
        inner = ThreadedIO(facts, logger, self._integrations)
        return SyncIO(inner, asyncio.get_running_loop(), self._integrations)

    async def _guarded(self, payload: Any, context: Context, io: IO | SyncIO, ledger: TaskLedger) -> Any:
        try:
            async with AsyncExitStack() as stack:
                if not self._job.is_async:
                    await stack.enter_async_context(one_thread())
                resolver = Resolver(
                    context, self._app.dependency_overrides, stack, in_threads=not self._job.is_async
                )
                injected = await resolver.fill(self._job.injected)

                def call() -> Any:
                    ledger.owner = current_caller()
                    return self._job.call(payload, io, injected)

                return await call() if self._job.is_async else await run_in_thread(call)
        except SystemExit as error:
            raise JobExited(f"the job called sys.exit({error.code!r})") from error

    async def _end(
        self, error: BaseException, runner: TaskRunner, compensations: Compensations
    ) -> ExecuteJobReply:
        """The reply to a job that raised; before a failure, what the run did is undone."""
        interrupt = self._suspensions.interrupt or find_interrupt(error)
        if isinstance(interrupt, ReplayOver) and compensations.failure is not None:
            return await self._undo(compensations.failure, runner, compensations)
        if isinstance(interrupt, ExecutionEnded):
            return Canceled()
        if isinstance(interrupt, ExecutionRefused):
            return ErrorReply(error=interrupt.error)
        if interrupt is not None:
            return reply_to_suspension(self._suspensions.stuck, self._deadline)
        if isinstance(error, KeyboardInterrupt):
            raise error
        failure = compensations.failure or describe_error(error)
        return await self._undo(failure, runner, compensations)

    async def _undo(
        self, failure: WireError, runner: TaskRunner, compensations: Compensations
    ) -> ExecuteJobReply:
        if not compensations.any:
            return ErrorReply(error=failure)
        await self._suspensions.cancel_rest()
        try:
            # Not within the job's task: this is no task's body, and may be cancelled for itself.
            undoing = asyncio.create_task(compensations.undo(runner, failure, self._undo_call))
            return ErrorReply(error=await undoing)
        except BaseException as error:
            interrupt = self._suspensions.interrupt or find_interrupt(error)
            if isinstance(interrupt, ExecutionEnded):
                return Canceled()
            if isinstance(interrupt, ExecutionRefused):
                return ErrorReply(error=interrupt.error)
            if interrupt is not None:
                return reply_to_suspension(self._suspensions.stuck, self._deadline)
            raise

    def _undo_call(self, undo: Callable[[Any], Any], result: Any) -> Callable[[], Any]:
        call = partial(undo, result)
        return call if self._job.is_async or is_async(undo) else partial(run_in_thread, call)

    def _open_early(self, suspension: Suspension) -> None:
        """Start the clock of a wait whose reply has to wait for siblings."""
        if isinstance(suspension, Wait) and isinstance(suspension.task, TaskRecord):
            self._recorder.open_wait(suspension.task, suspension.parent)

    def _unwind(self) -> None:
        if self._recorder.end is not None:
            self._suspensions.interrupt_all(self._recorder.end)
