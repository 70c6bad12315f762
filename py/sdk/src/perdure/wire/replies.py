"""The replies to EXECUTE_JOB, told apart by ``status``."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, Discriminator, JsonValue, Tag

from perdure.wire.base import OutputModel, WireModel
from perdure.wire.execution import AuthIssue, PayloadProblem
from perdure.wire.tasks import RetryPolicy, TaskRecord, WireError


class TaskReference(WireModel):
    """A task that the platform already has: only its id and what may have changed are read."""

    id: str
    output_properties: list[dict[str, JsonValue]] | None = None


def _task_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "reference" if "id" in value else "record"
    return "reference" if isinstance(value, TaskReference) else "record"


ReplyTask: TypeAlias = Annotated[
    Annotated[TaskReference, Tag("reference")] | Annotated[TaskRecord, Tag("record")],
    Discriminator(_task_kind),
]


class ReplyBase(WireModel):
    """Every reply may bring task records; they are stored first, in the transaction that moves the run."""

    tasks: list[TaskRecord] | None = None


class Success(ReplyBase, OutputModel):
    """run() returned."""

    status: Literal["SUCCESS"] = "SUCCESS"


class ErrorReply(ReplyBase):
    """run() raised; the run fails."""

    status: Literal["ERROR"] = "ERROR"
    error: WireError
    task: ReplyTask | None = None


class InvalidPayload(ReplyBase):
    """The payload does not fit; run() was not called."""

    status: Literal["INVALID_PAYLOAD"] = "INVALID_PAYLOAD"
    errors: list[PayloadProblem]


class UnresolvedAuthError(ReplyBase):
    """Credentials are missing; run() was not called. ``issues`` is by the integration's name in the job."""

    status: Literal["UNRESOLVED_AUTH_ERROR"] = "UNRESOLVED_AUTH_ERROR"
    issues: dict[str, AuthIssue]


class ResumeWithTask(ReplyBase):
    """Call again when this task is done waiting."""

    status: Literal["RESUME_WITH_TASK"] = "RESUME_WITH_TASK"
    task: ReplyTask


class RetryWithTask(ReplyBase):
    """This task failed; call again for its next attempt.

    ``retry_at`` is a hint that wins (``Retry-After``); else the platform computes the delay from ``retry``.
    """

    status: Literal["RETRY_WITH_TASK"] = "RETRY_WITH_TASK"
    task: ReplyTask
    error: WireError
    retry_at: AwareDatetime | None = None
    retry: RetryPolicy | None = None


class Canceled(ReplyBase):
    """The run was cancelled while it executed; the platform drops this reply."""

    status: Literal["CANCELED"] = "CANCELED"
    task: ReplyTask | None = None


class YieldExecution(ReplyBase):
    """io.yield: call again at once, with this key among the yielded ones."""

    status: Literal["YIELD_EXECUTION"] = "YIELD_EXECUTION"
    key: str


class AutoYieldData(WireModel):
    """Where and how near the host's limit an execution stopped; times in ms."""

    location: str
    time_remaining: float
    time_elapsed: float
    limit: float | None = None


class AutoYieldExecution(ReplyBase, AutoYieldData):
    """Too near the host's time limit, or the API was out of reach: call again."""

    status: Literal["AUTO_YIELD_EXECUTION"] = "AUTO_YIELD_EXECUTION"


class AutoYieldRateLimit(ReplyBase):
    """The API answered 429: call again at ``reset`` (unix ms)."""

    status: Literal["AUTO_YIELD_RATE_LIMIT"] = "AUTO_YIELD_RATE_LIMIT"
    reset: float


ExecuteJobReply: TypeAlias = (
    Success
    | ErrorReply
    | InvalidPayload
    | UnresolvedAuthError
    | ResumeWithTask
    | RetryWithTask
    | Canceled
    | YieldExecution
    | AutoYieldExecution
    | AutoYieldRateLimit
)
"""What this SDK replies; the v2 JavaScript SDK knows more, which the dispatcher reads."""
