"""What becomes of a task whose function failed: by its options, its policy and the error itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perdure.errors import NonRetryableError, RetryAt, TaskFailed
from perdure.options import STANDARD_BACKOFF, GiveUp, Retry, TaskOptions, retry_after


@dataclass(frozen=True, slots=True)
class Verdict:
    """``failure`` is what failed in the end; ``policy`` is None when it is not tried again."""

    failure: Exception
    policy: Retry | None = None
    retry_at: datetime | None = None


def judge(failure: Exception, options: TaskOptions, *, attempts: int) -> Verdict:
    """Decide about a failure, this having been try number ``attempts``.

    ``on_error`` has the first word, then the error, then the policy. A failed subtask is stored as failed:
    trying the task around it again would only meet it again.
    """
    if isinstance(failure, TaskFailed):
        return Verdict(failure)
    retry_at: datetime | None = None
    if options.on_error is not None:
        try:
            decision = options.on_error(failure)
        except Exception as error:
            error.__cause__ = failure
            return Verdict(error)
        if isinstance(decision, GiveUp):
            return Verdict(failure)
        if isinstance(decision, RetryAt):
            retry_at = decision.retry_at
        elif decision is not None:
            decision.__cause__ = decision.__cause__ or failure
            failure = decision
    if isinstance(failure, NonRetryableError):
        return Verdict(failure)
    retry_at = retry_at or _own_retry_at(failure)
    policy = options.retry or (STANDARD_BACKOFF if retry_at is not None else None)
    if policy is None or attempts >= policy.limit:
        return Verdict(failure)
    if retry_at is None:
        if not policy.applies_to(failure):
            return Verdict(failure)
        retry_at = retry_after(failure)
    return Verdict(failure, policy, retry_at)


def _own_retry_at(failure: Exception) -> datetime | None:
    retry_at = getattr(failure, "retry_at", None)
    return retry_at if isinstance(retry_at, datetime) and retry_at.tzinfo is not None else None
