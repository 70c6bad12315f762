"""Errors the SDK raises, how they are stored, and what unwinds a run without being one.

    PerdureError
    ├─ ConfigurationError, MissingSetting                  how it is declared and set
    ├─ DuplicateTaskKey, ReplayMismatch, StoredResultMismatch     the code does not fit its run
    ├─ TaskFailed, and of these WaitTimedOut; RunFailed, JobExited      what failed for good
    ├─ NonRetryableError, RetryAt, TaskTimedOut, UnserializableResult   raised in a task's function
    ├─ ApiError, ConnectionRefused, DirectModeError (perdure.postgres)  the platform refused
    └─ ServiceError (perdure.integrations)                 another service refused

Control flow is no error: see RunInterrupt, below them.
"""

from __future__ import annotations

import traceback
from datetime import datetime

from perdure.wire.tasks import WireError


class PerdureError(Exception):
    """Base of every error of the SDK."""


class ConfigurationError(PerdureError):
    """A declaration is wrong: the text names it and the fix."""


class MissingSetting(PerdureError):
    """A setting is needed now and was not given."""


class DuplicateTaskKey(PerdureError):
    """Two tasks of one execution have the same key and parent, so one would get the other's result."""


class TaskFailed(PerdureError):
    """A task failed and is not tried again.

    Raised by ``io.run_task`` in the execution in which it happens (then ``__cause__`` is the original error)
    and in every later one, where only what was stored is left: so catch this, not the original class.
    """

    def __init__(self, key: str, error: WireError) -> None:
        super().__init__(error.message)
        self.key = key
        """The task's key."""
        self.error = error
        """The error as it is stored."""

    @property
    def name(self) -> str | None:
        """Class name of the original error, such as ``"ValueError"``."""
        return self.error.name

    @property
    def message(self) -> str:
        """Text of the original error."""
        return self.error.message


class WaitTimedOut(TaskFailed, TimeoutError):
    """What a task waited for did not come in time."""


class RunFailed(PerdureError):
    """The run of another job, started by ``io.invoke_and_wait``, did not succeed."""

    def __init__(self, job_id: str, run_id: str, status: str, error: WireError) -> None:
        super().__init__(f"job {job_id!r}, run {run_id}: {status}: {error.message}")
        self.job_id = job_id
        self.run_id = run_id
        self.status = status
        """Such as ``FAILURE`` or ``CANCELED``."""
        self.error = error
        """Its error as it is stored."""


class ReplayMismatch(PerdureError):
    """The run did other things before than its code does now: the text names both."""


class JobExited(PerdureError):
    """A job or a task called sys.exit(): that ends the run or the task, not the server."""


class NonRetryableError(PerdureError):
    """Raise it in a task's function, best ``from`` the error that shows why: another try would be useless."""


class TaskTimedOut(PerdureError, TimeoutError):
    """A try of a task took longer than ``TaskOptions.timeout``."""


class RetryAt(PerdureError):
    """Raise it in a task's function, or return it from ``on_error``: try again, not before ``retry_at``.

    It counts as a try: after the policy's limit (8 without one) the task fails.
    """

    def __init__(self, retry_at: datetime, message: str | None = None) -> None:
        if retry_at.tzinfo is None:
            raise ValueError("retry_at must be an aware datetime, such as datetime.now(UTC) + timedelta(...)")
        super().__init__(message or f"to be tried again at {retry_at.isoformat()}")
        self.retry_at = retry_at


class UnserializableResult(PerdureError, TypeError):
    """A result cannot be written as JSON, or does not fit the return annotation."""


class StoredResultMismatch(PerdureError, TypeError):
    """A stored result does not fit the return annotation any more: the code changed under a running run."""


class ConnectionRefused(PerdureError):
    """The server will not be connected with this app; trying again would not help."""


class ApiError(PerdureError):
    """The API refused a call, or could not be reached.

    Attributes:
        status: the HTTP status; None when no answer came.
        code: such as ``JQ005``; None when the answer had none.
        retry_at: when the API, which limits its callers, allows the call again; None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        self.status = status
        self.code = code

    @property
    def is_temporary(self) -> bool:
        """True when the same call may succeed later."""
        return self.status is None or self.status in (408, 429) or self.status >= 500

    @property
    def ends_execution(self) -> bool:
        """True when the platform wants no more of this execution: run unknown or finished, lease lost."""
        return self.code in ("JQ001", "JQ003", "JQ005")


class RunInterrupt(BaseException):
    """Unwinds the user's run() so the SDK can answer. No error: ``except Exception`` lets it pass."""


class Suspended(RunInterrupt):
    """Nothing can go on now: the run waits, retries later or yields. What to answer is in the Suspensions."""


class ExecutionEnded(RunInterrupt):
    """The platform does not want this execution's results any more: lease lost, run cancelled or gone."""


class ExecutionRefused(RunInterrupt):
    """The API refuses to store what this execution did, for good: the run fails with ``error``."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


def find_interrupt(error: BaseException) -> RunInterrupt | None:
    """The interrupt in an exception, also when task groups wrapped it."""
    if isinstance(error, RunInterrupt):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = find_interrupt(inner)
            if found is not None:
                return found
    return None


_STACK_LIMIT = 16_000
_MESSAGE_LIMIT = 8_000


def describe_error(error: BaseException) -> WireError:
    """An exception for storing. A failed task that nobody caught is described as what it failed with."""
    if isinstance(error, TaskFailed):
        return error.error
    message = str(error) or repr(error)
    stack = "".join(traceback.format_exception(error))
    return WireError(
        message=_shortened(printable(message), _MESSAGE_LIMIT),
        name=type(error).__name__,
        stack=_shortened(printable(stack), _STACK_LIMIT),
    )


def _shortened(text: str, limit: int) -> str:
    """The beginning and the end of a long text: in a stack trace the end says what happened."""
    if len(text) <= limit:
        return text
    head, tail = limit // 4, limit - limit // 4
    return f"{text[:head]}\n… {len(text) - limit} characters left out …\n{text[-tail:]}"


def printable(text: str) -> str:
    """The text without lone surrogates and NUL, which Postgres cannot hold."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")
