"""Runs tasks: answers from what is stored, or calls the function, stores its end, and handles failures."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from pydantic_core import PydanticSerializationError

from perdure.codec import Codec
from perdure.deadline import START_TASK_THRESHOLD_MS, Deadline
from perdure.error_text import describe_error
from perdure.errors import RetryAt, TaskFailed, UnserializableResult
from perdure.frame import TaskFrame, current_frame
from perdure.interrupts import find_interrupt
from perdure.keys import Key, check_key, display_key, idempotency_key
from perdure.ledger import TaskLedger, find_call_site
from perdure.options import GiveUp, TaskOptions, to_display_properties
from perdure.recorder import MAX_RECORD_BYTES, ApiOutOfReach, Recorder
from perdure.retry import STANDARD_BACKOFF
from perdure.suspension import RetryLater, Suspensions, Wait, Yield
from perdure.wire.execution import TaskReference
from perdure.wire.statuses import TaskStatus
from perdure.wire.tasks import CachedTask, Style, TaskRecord, stored_error

ANNOUNCE_AFTER_S = 1.0
"""A task that runs longer is announced, so that people see it running."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a call has taken: where the task stands in the run."""

    key: Key
    idempotency_key: str
    parent: TaskFrame | None
    known: CachedTask | None


class TaskRunner:
    """Runs the tasks of one execution."""

    def __init__(
        self,
        run_id: str,
        ledger: TaskLedger,
        recorder: Recorder,
        suspensions: Suspensions,
        deadline: Deadline,
    ) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._recorder = recorder
        self._suspensions = suspensions
        self._deadline = deadline

    def claim(self, key: Key) -> Claim:
        """Take a key for a task within the task that is running here. Called in the user's own line.

        Raises:
            DuplicateTaskKey: the key was taken before in this execution.
            RunInterrupt: the run is being unwound.
        """
        self._suspensions.check()
        check_key(key)
        parent = current_frame.get()
        identity = idempotency_key(self._run_id, parent.key if parent else None, key)
        self._ledger.claim(identity, key, find_call_site())
        return Claim(key, identity, parent, self._ledger.known(identity))

    async def run(
        self, claim: Claim, call: Callable[[], Any], codec: Codec[Any], options: TaskOptions
    ) -> Any:
        """The task's result: stored, or else by calling ``call``.

        Raises:
            TaskFailed: the task failed for good, now or in an earlier execution.
            RunInterrupt: the run cannot go on now.
        """
        self._suspensions.check()
        known = claim.known
        if known is not None:
            if known.status is TaskStatus.COMPLETED:
                return None if not known.has_output else codec.decode(known.output)
            if known.status is TaskStatus.ERRORED:
                raise TaskFailed(display_key(claim.key), stored_error(known.output))
            if known.status is TaskStatus.WAITING:
                await self._suspensions.suspend(Wait(TaskReference(id=known.id), claim.parent, delay_s=0))
        if self._deadline.remaining_ms < START_TASK_THRESHOLD_MS:
            await self._suspensions.suspend(Yield("start_task", claim.parent))
        frame = TaskFrame(
            record=_opening_record(claim, options),
            parent=claim.parent,
            attempts=known.attempts if known is not None else 1,
            announced=known is not None,
            asyncio_task=asyncio.current_task(),
        )
        self._suspensions.started(frame)
        try:
            return await self._execute(frame, claim, call, codec, options)
        finally:
            self._suspensions.ended(frame)

    async def wait(self, claim: Claim, seconds: float) -> None:
        """Wait as a task: nothing is called, the reply carries the wait."""
        self._suspensions.check()
        known = claim.known
        if known is not None and known.status is TaskStatus.COMPLETED:
            return
        task: TaskRecord | TaskReference
        if known is not None:
            task = TaskReference(id=known.id)
        else:
            task = TaskRecord(
                idempotency_key=claim.idempotency_key,
                display_key=display_key(claim.key),
                name="wait",
                icon="clock",
                noop=True,
                params={"seconds": seconds},
                parent_key=claim.parent.key if claim.parent else None,
                delay_seconds=seconds,
                style=Style(style="minimal"),
            )
        await self._suspensions.suspend(Wait(task, claim.parent, delay_s=seconds))

    async def _execute(
        self, frame: TaskFrame, claim: Claim, call: Callable[[], Any], codec: Codec[Any], options: TaskOptions
    ) -> Any:
        timer = asyncio.get_running_loop().call_later(ANNOUNCE_AFTER_S, self._recorder.announce, frame)
        token = current_frame.set(frame)
        failure: Exception | None = None
        try:
            result = call()
            if inspect.isawaitable(result):
                result = await result
            output = codec.encode(result) if result is not None else None
            value = codec.decode(output) if result is not None else None
            record, size = _completed(frame.record, output, has_output=result is not None)
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
            timer.cancel()
        if failure is not None:
            await self._fail(frame, claim, failure, options)
        await self._store(frame, record, size)
        return value

    async def _fail(
        self, frame: TaskFrame, claim: Claim, failure: Exception, options: TaskOptions
    ) -> NoReturn:
        failure, retry_at, give_up = _decide(failure, options)
        policy = options.retry or (STANDARD_BACKOFF if retry_at is not None else None)
        error = describe_error(failure)
        # A failed subtask is stored as failed: trying the parent again would only meet it again.
        if (
            policy is not None
            and not give_up
            and not isinstance(failure, TaskFailed)
            and frame.attempts < policy.limit
        ):
            known = claim.known
            self._suspensions.ended(frame)
            await self._suspensions.suspend(
                RetryLater(
                    task=TaskReference(id=known.id) if known is not None else frame.record,
                    parent=claim.parent,
                    error=error,
                    attempts=frame.attempts,
                    retry=policy.to_wire(),
                    retry_at=retry_at,
                )
            )
        record = frame.record.model_copy(update={"status": "ERRORED", "error": error})
        await self._store(frame, record, len(record.to_wire_bytes()))
        raise TaskFailed(display_key(claim.key), error) from failure

    async def _store(self, frame: TaskFrame, record: TaskRecord, size: int) -> None:
        try:
            await self._recorder.store(record, frame.parent, size=size)
        except ApiOutOfReach:
            self._suspensions.ended(frame)
            await self._suspensions.suspend(Yield("failed_task_run", frame.parent))
        except asyncio.CancelledError:
            self._raise_if_unwound()
            raise

    def _raise_if_unwound(self) -> None:
        """Turn the cancellation by which ``interrupt_all`` stops a task into the interrupt itself."""
        task = asyncio.current_task()
        if self._suspensions.interrupt is not None and task is not None and task.uncancel() == 0:
            raise self._suspensions.interrupt


def _opening_record(claim: Claim, options: TaskOptions) -> TaskRecord:
    shown = display_key(claim.key)
    return TaskRecord(
        idempotency_key=claim.idempotency_key,
        display_key=shown,
        name=options.name or shown,
        icon=options.icon,
        description=options.description,
        params=None
        if options.params is None
        else Codec[Any](Any, f"params of task {shown!r}").encode(options.params),
        properties=to_display_properties(options.properties),
        style=options.style,
        parent_key=claim.parent.key if claim.parent else None,
        connection_key=options.connection_key,
        started_at=datetime.now(UTC),
    )


def _completed(opened: TaskRecord, output: Any, *, has_output: bool) -> tuple[TaskRecord, int]:
    update: dict[str, Any] = {"status": "COMPLETED"}
    if has_output:
        update["output"] = output
    record = opened.model_copy(update=update)
    try:
        size = len(record.to_wire_bytes())
    except PydanticSerializationError as error:
        raise UnserializableResult(
            f"task {opened.display_key!r} cannot be stored as JSON: {error}"
        ) from error
    if size > MAX_RECORD_BYTES:
        raise UnserializableResult(
            f"the result of task {opened.display_key!r} has {size} bytes as JSON; at most {MAX_RECORD_BYTES} "
            "are stored: keep it elsewhere and return a reference"
        )
    return record, size


def _decide(failure: Exception, options: TaskOptions) -> tuple[Exception, datetime | None, bool]:
    """What failed in the end, when to try again at the earliest, and whether to give up."""
    if options.on_error is not None and not isinstance(failure, TaskFailed):
        try:
            decision = options.on_error(failure)
        except Exception as error:
            error.__cause__ = failure
            return error, None, True
        if isinstance(decision, GiveUp):
            return failure, None, True
        if isinstance(decision, RetryAt):
            return failure, decision.retry_at, False
        if decision is not None:
            decision.__cause__ = decision.__cause__ or failure
            failure = decision
    retry_at = getattr(failure, "retry_at", None)
    aware = isinstance(retry_at, datetime) and retry_at.tzinfo is not None
    return failure, retry_at if aware else None, False
