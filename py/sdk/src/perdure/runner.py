"""Runs tasks: answers from what is stored, or calls the function, stores its end, and handles failures."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, NoReturn, TypeAlias

from pydantic_core import to_json

from perdure.client import StoredTask
from perdure.clock import START_TASK_THRESHOLD_MS, Deadline
from perdure.codec import Codec
from perdure.compensation import Compensations, ReplayOver
from perdure.errors import (
    JobExited,
    PerdureError,
    TaskFailed,
    TaskTimedOut,
    WaitTimedOut,
    describe_error,
    find_interrupt,
)
from perdure.frame import (
    Claim,
    TaskFrame,
    completed_text,
    current_frame,
    new_record,
    open_frame,
    unknown_parents,
)
from perdure.keys import TELL_KEY, Key, display_key, idempotency_key
from perdure.ledger import TaskLedger, current_caller, find_call_site
from perdure.options import NO_OPTIONS, TaskOptions, judge
from perdure.recorder import ApiOutOfReach, Recorder
from perdure.suspension import RetryLater, Suspensions, Wait, Yield, YieldNow
from perdure.wire.replies import TaskReference
from perdure.wire.tasks import CALLBACK_TIMED_OUT, CachedTask, TaskRecord, TaskStatus, WireError, stored_error

RecordsFor: TypeAlias = Callable[[Any], list[bytes]]
"""JSON of the records that state a result: the finished task, before it what it lies in if that is new."""


class BegunBefore(PerdureError):
    """An at-most-once task was begun by an execution that did not come back."""


class TaskRunner:
    """Runs the tasks of one execution. Every method but ``claim`` raises RunInterrupt to unwind the run."""

    def __init__(
        self,
        run_id: str,
        ledger: TaskLedger,
        recorder: Recorder,
        suspensions: Suspensions,
        deadline: Deadline,
        compensations: Compensations,
    ) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._recorder = recorder
        self._suspensions = suspensions
        self._deadline = deadline
        self._compensations = compensations

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run_id

    def claim(self, key: Key) -> Claim:
        """Take a key for a task within the task that is running here. Called in the user's own line.

        Raises:
            DuplicateTaskKey: the key was taken before in this execution.
            RunInterrupt: the run is being unwound.
        """
        self._suspensions.check()
        parent = current_frame.get()
        if parent is not None and parent.is_closed:
            raise PerdureError(
                f"task {display_key(key)!r} is called within io.transaction's function, which is one "
                "transaction of the database: call it before or after"
            )
        parent_key = parent.key if parent is not None else None
        identity = idempotency_key(self._run_id, parent_key, key)
        caller = current_caller()
        self._ledger.claim(identity, key, find_call_site(), parent_key, caller)
        return Claim(key, identity, parent, self._ledger.known(identity), caller)

    async def run(
        self, claim: Claim, call: Callable[[], Any], codec: Codec[Any], options: TaskOptions
    ) -> Any:
        """The task's result: stored, or else by calling ``call`` and storing what it returns.

        Raises:
            TaskFailed: the task failed for good, now or in an earlier execution.
        """

        async def body(frame: TaskFrame) -> tuple[Any, bytes]:
            result = await _called(call, options.timeout)
            if result is None:
                return None, completed_text(frame, None)
            output = codec.encode_text(result)
            return codec.decode_text(output), completed_text(frame, output)

        self._compensations.check(claim, options)
        value, done = await self._stored_result(claim, codec)
        if done:
            self._compensations.add(claim, options, value)
            return value
        frame = await self._begin(claim, options)
        try:
            if options.at_most_once:
                await self._begin_once(frame, claim)
            value, text = await self._execute(frame, claim, body, options)
            self._compensations.add(claim, options, value)  # also if it is cancelled while it is stored
            await self._store(frame, text)
        finally:
            self._suspensions.ended(frame)
        return value

    async def run_stored(
        self,
        claim: Claim,
        perform: Callable[[RecordsFor], Awaitable[Any]],
        codec: Codec[Any],
        options: TaskOptions,
    ) -> Any:
        """As ``run``, for a function that stores its own end, with what it did.

        Args:
            perform: given the function that makes the records for a result, stores them, returns the result.
        """

        async def body(frame: TaskFrame) -> Any:
            def records_for(result: Any) -> list[bytes]:
                output = None if result is None else codec.encode_text(result)
                parents = unknown_parents(frame.parent, set())
                return [*(parent.text("RUNNING") for parent in parents), completed_text(frame, output)]

            return await perform(records_for)

        self._compensations.check(claim, options)
        value, done = await self._stored_result(claim, codec)
        if not done:
            frame = await self._begin(claim, options)
            try:
                value = await self._execute(frame, claim, body, options)
            finally:
                self._suspensions.ended(frame)
        self._compensations.add(claim, options, value)
        return value

    async def group(
        self,
        claim: Claim,
        body: Callable[[], Awaitable[tuple[Any, Any]]],
        options: TaskOptions,
        *,
        revisit: Callable[[], Awaitable[None]] | None = None,
    ) -> Any:
        """Run tasks side by side within one that has no result of its own: it is put together anew each time.

        Args:
            body: runs the tasks; returns the result and, for people to see, a summary.
            revisit: comes to the finished tasks again after a failure, so that they can be undone.
        """
        known = claim.known
        self._ledger.allow_any_order(claim.idempotency_key)
        if known is not None and known.status is TaskStatus.ERRORED:
            if revisit is not None:
                frame = await self._begin(claim, options)
                frame.is_group = True
                token = current_frame.set(frame)
                try:
                    await revisit()
                finally:
                    current_frame.reset(token)
                    self._suspensions.ended(frame)
            raise TaskFailed(claim.shown, stored_error(known.output))
        finished = known is not None and known.status is TaskStatus.COMPLETED

        async def grouped(frame: TaskFrame) -> tuple[Any, bytes]:
            frame.is_group = True
            try:
                result, summary = await body()
            except (TaskFailed, ReplayOver, asyncio.CancelledError):
                if revisit is not None:
                    await revisit()
                raise
            return result, completed_text(frame, to_json(summary))

        frame = await self._begin(claim, options)
        try:
            result, text = await self._execute(frame, claim, grouped, options)
            if not finished:
                await self._store(frame, text)
        finally:
            self._suspensions.ended(frame)
        return result

    def is_left_out(self, claim: Claim, key: Key) -> bool:
        """True for a task within this one that was done before, and that this execution did not come to."""
        identity = idempotency_key(self._run_id, claim.idempotency_key, key)
        known = self._ledger.known(identity)
        return (
            known is not None and known.status is TaskStatus.COMPLETED and not self._ledger.is_used(identity)
        )

    async def platform_task(self, claim: Claim, fields: Mapping[str, Any], codec: Codec[Any]) -> Any:
        """The result of a task that the platform ends; the reply to EXECUTE_JOB carries it until then.

        Raises:
            TaskFailed: it ended with an error.
        """
        value, done = await self._stored_result(claim, codec, is_wait=bool(fields.get("noop")))
        if done:
            return value
        await self._wait(claim, new_record(claim, fields))

    async def opened_task(
        self,
        claim: Claim,
        fields: Mapping[str, Any],
        tell: Callable[[str], Awaitable[None]],
        codec: Codec[Any],
    ) -> Any:
        """As ``platform_task``, for one whose callback URL somebody must be told.

        Args:
            tell: given the URL, tells them, in a task with the key ``TELL_KEY`` within this one.
        """
        value, done = await self._stored_result(claim, codec, waits=False)
        if done:
            return value
        told = self._ledger.known(idempotency_key(self._run_id, claim.idempotency_key, TELL_KEY))
        if claim.known is not None and told is not None and told.status is TaskStatus.COMPLETED:
            await self._suspensions.suspend(Wait(TaskReference(id=claim.known.id), claim.parent, delay_s=0))
        frame = await self._begin(claim, NO_OPTIONS)
        try:
            stored = await self._open(frame, claim, fields)
            frame.announced = True
            if stored.status in (TaskStatus.COMPLETED, TaskStatus.ERRORED):
                return _result_of(claim, stored, codec)
            await self._execute(frame, claim, lambda _frame: tell(stored.callback_url or ""), NO_OPTIONS)
        finally:
            self._suspensions.ended(frame)
        await self._suspensions.suspend(Wait(TaskReference(id=stored.id), claim.parent, delay_s=0))

    async def effect_task(self, claim: Claim, fields: Mapping[str, Any], codec: Codec[Any]) -> Any:
        """The result of a task that the platform does in the call that stores it.

        Raises:
            TaskFailed: the platform could not do it.
        """
        value, done = await self._stored_result(claim, codec)
        if done:
            return value
        frame = await self._begin(claim, NO_OPTIONS)
        try:
            stored = await self._open(frame, claim, fields)
        finally:
            self._suspensions.ended(frame)
        return _result_of(claim, stored, codec)

    def note(self, claim: Claim, fields: Mapping[str, Any], output: Any) -> Any:
        """A task that is done already; it rides along with the next call. Its output, or the stored one."""
        known = claim.known
        if known is not None and known.status is TaskStatus.COMPLETED:
            return known.output
        record = new_record(claim, {**fields, "noop": True, "status": "COMPLETED", "output": output})
        self._recorder.note(record, claim.parent)
        return output

    async def yield_execution(self, key: str) -> NoReturn:
        """Ask for a fresh execution from here."""
        await self._suspensions.suspend(YieldNow(key, current_frame.get()))

    async def give_up_execution(self, location: str) -> NoReturn:
        """End this execution, whose fate is open: the next one learns from the store what happened."""
        await self._suspensions.suspend(Yield(location, current_frame.get()))

    # Parts

    async def _stored_result(
        self, claim: Claim, codec: Codec[Any], *, is_wait: bool = False, waits: bool = True
    ) -> tuple[Any, bool]:
        """The result that is stored, and True; or None and False when there is work to do.

        Args:
            waits: suspend the run when the task still waits.
        """
        self._suspensions.check()
        known = claim.known
        if known is None:
            self._compensations.refuse_unfinished()
            if not self._ledger.is_empty:
                owner = claim.parent.owner if claim.parent is not None else self._ledger.owner
                await self._ledger.check_new(
                    claim.idempotency_key, claim.key, claim.parent_key, claim.caller, owner
                )
            return None, False
        self._ledger.check_kind(known, claim.key, is_wait=is_wait)
        if known.status in (TaskStatus.COMPLETED, TaskStatus.ERRORED):
            return _result_of(claim, known, codec), True
        self._compensations.refuse_unfinished()
        self._ledger.begin_again(claim.parent_key)
        if waits and (known.status is TaskStatus.WAITING or known.operation is not None):
            await self._suspensions.suspend(Wait(TaskReference(id=known.id), claim.parent, delay_s=0))
        return None, False

    async def _wait(self, claim: Claim, record: TaskRecord) -> NoReturn:
        task: TaskRecord | TaskReference = record
        if claim.known is not None and claim.known.status is not TaskStatus.CANCELED:
            task = TaskReference(id=claim.known.id)
        await self._suspensions.suspend(Wait(task, claim.parent, delay_s=record.delay_seconds or 0))

    async def _begin(self, claim: Claim, options: TaskOptions) -> TaskFrame:
        """A task at work until ``Suspensions.ended``, if there is time left for it."""
        frame = open_frame(claim, options)
        if self._deadline.remaining_ms < START_TASK_THRESHOLD_MS:
            await self._suspensions.suspend(Yield("start_task", frame.parent))
        frame.asyncio_task = asyncio.current_task()
        frame.owner = current_caller()
        frame.is_lone = frame.owner == self._ledger.owner
        self._suspensions.started(frame)
        return frame

    async def _begin_once(self, frame: TaskFrame, claim: Claim) -> None:
        if claim.known is None:
            await self._store(frame, frame.text("RUNNING"), keep=False)
            frame.announced = True
            return
        await self._fail(
            frame,
            claim,
            BegunBefore(
                "an earlier execution began this task and did not come back, so nobody knows how far it "
                "came; at_most_once forbids to call it again"
            ),
            NO_OPTIONS,
        )

    async def _execute(
        self,
        frame: TaskFrame,
        claim: Claim,
        body: Callable[[TaskFrame], Awaitable[Any]],
        options: TaskOptions,
    ) -> Any:
        self._recorder.watch(frame, self._suspensions.working)
        token = current_frame.set(frame)
        try:
            result = await body(frame)
            self._suspensions.check_body(frame)
            return result
        except asyncio.CancelledError:
            self._raise_if_unwound()
            raise
        except (Exception, BaseExceptionGroup) as error:
            interrupt = find_interrupt(error)
            if interrupt is not None:
                raise interrupt from None
            if not isinstance(error, Exception):
                raise
            failure = error
        finally:
            current_frame.reset(token)
            frame.watched_since = None
        try:
            await self._fail(frame, claim, failure, options)
        finally:
            del failure

    async def _fail(
        self, frame: TaskFrame, claim: Claim, failure: Exception, options: TaskOptions
    ) -> NoReturn:
        verdict = judge(failure, options, attempts=frame.attempts)
        error = describe_error(verdict.failure)
        if verdict.policy is not None:
            known = claim.known
            self._suspensions.ended(frame)
            await self._suspensions.suspend(
                RetryLater(
                    task=TaskReference(id=known.id) if known is not None else frame.record(),
                    parent=claim.parent,
                    error=error,
                    attempts=frame.attempts,
                    retry=verdict.policy.to_wire(),
                    retry_at=verdict.retry_at,
                )
            )
        await self._store(frame, frame.text("ERRORED", error=error))
        raise TaskFailed(claim.shown, error) from verdict.failure

    async def _open(self, frame: TaskFrame, claim: Claim, fields: Mapping[str, Any]) -> StoredTask:
        frame.fields = new_record(claim, fields).to_wire()
        stored = await self._store(frame, frame.text())
        if stored is None:
            raise PerdureError("the platform did not say how the task stands")
        return stored

    async def _store(self, frame: TaskFrame, text: bytes, *, keep: bool = True) -> StoredTask | None:
        try:
            return await self._recorder.store(frame, text, keep=keep)
        except ApiOutOfReach:
            self._suspensions.ended(frame)
            await self._suspensions.suspend(
                Yield("failed_task_run", frame.parent, self._recorder.limited_until)
            )
        except asyncio.CancelledError:
            self._raise_if_unwound()
            raise

    def _raise_if_unwound(self) -> None:
        """Turn the cancellation by which ``interrupt_all`` stops a task into the interrupt itself."""
        task = asyncio.current_task()
        if self._suspensions.interrupt is not None and task is not None and task.uncancel() == 0:
            raise self._suspensions.interrupt


async def _called(call: Callable[[], Any], within: timedelta | None) -> Any:
    if within is not None:
        clock = asyncio.timeout(within.total_seconds())
        try:
            async with clock:
                return await _called(call, None)
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise TaskTimedOut(f"not done within {within}") from error
    try:
        result = call()
        return await result if inspect.isawaitable(result) else result
    except SystemExit as error:  # would end the host's event loop
        raise JobExited(f"the task called sys.exit({error.code!r})") from error


def _result_of(claim: Claim, task: CachedTask | StoredTask, codec: Codec[Any]) -> Any:
    if task.status is TaskStatus.ERRORED:
        if task.output == CALLBACK_TIMED_OUT:
            raise WaitTimedOut(claim.shown, WireError(message="nothing came in time", name="WaitTimedOut"))
        raise TaskFailed(claim.shown, stored_error(task.output))
    return codec.decode(task.output) if task.has_output else None
