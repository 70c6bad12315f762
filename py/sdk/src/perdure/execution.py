"""One EXECUTE_JOB: call the job from the top, and turn its end into the reply."""

from __future__ import annotations

import asyncio
from typing import Any

from perdure.client import ApiClient
from perdure.context import Context
from perdure.deadline import Deadline
from perdure.error_text import describe_error
from perdure.errors import ApiError, PerdureError
from perdure.interrupts import ExecutionEnded, ExecutionRefused, find_interrupt
from perdure.io import IO
from perdure.job import InvalidPayloadError, Job
from perdure.ledger import TaskLedger
from perdure.logger import RunLogger
from perdure.recorder import Recorder
from perdure.replies import reply_to_suspension
from perdure.runner import TaskRunner
from perdure.suspension import Suspension, Suspensions, Wait, Yield
from perdure.wire.execution import (
    Canceled,
    ErrorReply,
    ExecuteJob,
    ExecuteJobReply,
    InvalidPayload,
    Success,
)
from perdure.wire.tasks import CachedTask, TaskRecord


class JobExited(PerdureError):
    """The job called sys.exit(): that ends the run, not the server."""


class Execution:
    """One execution of a run."""

    def __init__(self, job: Job[..., Any], request: ExecuteJob, api: ApiClient, *, client_id: str) -> None:
        self._job = job
        self._request = request
        self._api = api
        self._client_id = client_id
        self._deadline = Deadline(request.run_chunk_execution_limit)
        self._suspensions = Suspensions(self._deadline, on_parked=self._open_early)
        self._recorder = Recorder(
            api,
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
            return reply_to_suspension([Yield("cached_tasks", None)], self._deadline)
        try:
            payload = self._job.decode_payload(self._request.event.payload)
        except InvalidPayloadError as error:
            return InvalidPayload(errors=error.problems)
        except PerdureError as error:  # an annotation that pydantic cannot use
            return ErrorReply(error=describe_error(error))
        reply = await self._call(payload, TaskLedger(tasks))
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
            page = await self._api.get_cached_tasks(self._request.run.id, cursor)
            tasks += page.tasks
            cursor = page.cursor
        return tasks

    async def _call(self, payload: Any, ledger: TaskLedger) -> ExecuteJobReply:
        run_id = self._request.run.id
        io = IO(
            TaskRunner(run_id, ledger, self._recorder, self._suspensions, self._deadline),
            RunLogger(run_id, ledger, self._recorder),
            self._api,
            client_id=self._client_id,
            integrations=self._job.integrations,
        )
        # A task of its own: the job may be cancelled without cancelling the request that waits for it.
        work = asyncio.create_task(self._guarded(payload, io))
        try:
            output = await work
            if self._suspensions.interrupt is not None:
                raise self._suspensions.interrupt  # the job swallowed it and returned
            encoded = None if output is None else self._job.output_codec.encode(output)
        except BaseException as error:
            if not work.done():
                work.cancel()  # the request itself is being cancelled: the host shuts down
                raise
            return self._reply_to(error)
        return Success() if output is None else Success(output=encoded)

    async def _guarded(self, payload: Any, io: IO) -> Any:
        try:
            return await self._job.call(payload, io, Context.of(self._request))
        except SystemExit as error:
            raise JobExited(f"the job called sys.exit({error.code!r})") from error

    def _reply_to(self, error: BaseException) -> ExecuteJobReply:
        interrupt = self._suspensions.interrupt or find_interrupt(error)
        if isinstance(interrupt, ExecutionEnded):
            return Canceled()
        if isinstance(interrupt, ExecutionRefused):
            return ErrorReply(error=interrupt.error)
        if interrupt is not None:
            return reply_to_suspension(self._suspensions.stuck, self._deadline)
        if isinstance(error, KeyboardInterrupt):
            raise error
        return ErrorReply(error=describe_error(error))

    def _open_early(self, suspension: Suspension) -> None:
        """Start the clock of a wait whose reply has to wait for siblings."""
        if isinstance(suspension, Wait) and isinstance(suspension.task, TaskRecord):
            self._recorder.open_wait(suspension.task, suspension.parent)

    def _unwind(self) -> None:
        if self._recorder.end is not None:
            self._suspensions.interrupt_all(self._recorder.end)
