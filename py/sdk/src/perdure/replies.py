"""What to answer when a run cannot go on: one reply for all the calls that are stuck."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perdure.deadline import Deadline
from perdure.frame import TaskFrame, unknown_parents, with_parents
from perdure.suspension import RetryLater, Suspension, Wait, Yield, YieldNow
from perdure.wire.replies import (
    AutoYieldExecution,
    AutoYieldRateLimit,
    ExecuteJobReply,
    ResumeWithTask,
    RetryWithTask,
    TaskReference,
    YieldExecution,
)
from perdure.wire.tasks import TaskRecord


def reply_to_suspension(stuck: Sequence[Suspension], deadline: Deadline) -> ExecuteJobReply:
    """Choose the reply and let the other waits travel with it.

    A reply moves the run by one task. A retry comes first, since only its reply counts the try; of several
    the one with the fewest tries, so that each is counted in turn (the others are tried again in the next
    execution). Then a yield, since there is work to do now: first one that the job asked for. Then the
    shortest wait.
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
        data = deadline.data(yields[0].location)
        return AutoYieldExecution(
            location=data.location,
            time_remaining=data.time_remaining,
            time_elapsed=data.time_elapsed,
            limit=data.limit,
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
    announcements = [frame.running_record() for frame in unknown_parents(parent, stated)]
    return [*records, *announcements] or None  # what they lie in may be among the records
