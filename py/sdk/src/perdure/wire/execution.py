"""EXECUTE_JOB: the request that carries a run to an endpoint, and its replies, told apart by ``status``."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    TypeAdapter,
    ValidationError,
)

from perdure.wire.base import MalformedMessage, OutputModel, WireModel, describe
from perdure.wire.events import ApiEventLog
from perdure.wire.statuses import EnvironmentType
from perdure.wire.tasks import CachedTask, DisplayProperty, RetryPolicy, TaskRecord, WireError


class JobReference(WireModel):
    """Which job, in which version."""

    id: str
    version: str


class RunReference(WireModel):
    """The run and when this execution started."""

    id: str
    is_test: bool = False
    is_retry: bool = False
    started_at: AwareDatetime


class EnvironmentReference(WireModel):
    """The environment a run belongs to."""

    id: str
    slug: str
    type: EnvironmentType

    @property
    def is_development(self) -> bool:
        """True in a development environment, where waits may be shorter and messages go to a test channel."""
        return self.type is EnvironmentType.DEVELOPMENT


class OrganizationReference(WireModel):
    """The organization a run belongs to."""

    id: str
    title: str
    slug: str


class ProjectReference(WireModel):
    """The project a run belongs to."""

    id: str
    name: str
    slug: str


class AccountReference(WireModel):
    """The end user on whose behalf a run works; ``id`` is the one the app gave."""

    id: str
    metadata: JsonValue = None


class SourceReference(WireModel):
    """The registration (dynamic source or schedule) that an event came from."""

    id: str
    metadata: JsonValue = None


class ConnectionAuth(WireModel):
    """Credentials of a hosted integration."""

    type: Literal["oauth2", "apiKey"]
    access_token: str
    scopes: list[str] | None = None
    additional_fields: dict[str, str] | None = None


class PerdureExtension(WireModel):
    """What only a Perdure server sends. ``lease_number`` fences every write of this execution."""

    lease_number: int


class ExecuteJob(WireModel):
    """Body of EXECUTE_JOB: ``tasks`` are all of the run, oldest first; the execution limit is in ms."""

    event: ApiEventLog
    job: JobReference
    run: RunReference
    environment: EnvironmentReference
    organization: OrganizationReference
    perdure: PerdureExtension
    project: ProjectReference | None = None
    account: AccountReference | None = None
    source: SourceReference | None = None
    tasks: list[CachedTask] = Field(default_factory=list)
    cached_task_cursor: str | None = None
    connections: dict[str, ConnectionAuth] = Field(default_factory=dict)
    yielded_executions: list[str] = Field(default_factory=list)
    run_chunk_execution_limit: float | None = None


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


class PayloadProblem(WireModel):
    """One place in a payload that does not fit the job's annotation."""

    path: list[str | int]
    message: str


class InvalidPayload(ReplyBase):
    """The payload does not fit; run() was not called."""

    status: Literal["INVALID_PAYLOAD"] = "INVALID_PAYLOAD"
    errors: list[PayloadProblem]


class AuthIssue(WireModel):
    """Why an integration has no credentials."""

    id: str
    error: str


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


class AutoYieldExecutionWithCompletedTask(ReplyBase):
    """As AUTO_YIELD_EXECUTION, and task ``id`` is done, ``output`` being JSON text. From the v2 SDK only."""

    status: Literal["AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"] = "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"
    id: str
    properties: list[DisplayProperty] | None = None
    output: str | None = None
    data: AutoYieldData


class AutoYieldRateLimit(ReplyBase):
    """The API answered 429: call again at ``reset`` (unix ms)."""

    status: Literal["AUTO_YIELD_RATE_LIMIT"] = "AUTO_YIELD_RATE_LIMIT"
    reset: float


class ResumeWithParallelTask(ReplyBase):
    """The children of a parallel task wait or retry, each a reply itself. From the v2 SDK only."""

    status: Literal["RESUME_WITH_PARALLEL_TASK"] = "RESUME_WITH_PARALLEL_TASK"
    task: ReplyTask
    child_errors: list[dict[str, JsonValue]]


ExecuteJobReply: TypeAlias = Annotated[
    Success
    | ErrorReply
    | InvalidPayload
    | UnresolvedAuthError
    | ResumeWithTask
    | RetryWithTask
    | Canceled
    | YieldExecution
    | AutoYieldExecution
    | AutoYieldExecutionWithCompletedTask
    | AutoYieldRateLimit
    | ResumeWithParallelTask,
    Field(discriminator="status"),
]

_REPLY: TypeAdapter[ExecuteJobReply] = TypeAdapter(ExecuteJobReply, config=ConfigDict(defer_build=True))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_reply(body: bytes) -> ExecuteJobReply:
    """Read an endpoint's answer to EXECUTE_JOB.

    Half a surrogate pair, such as a text has that was cut inside of an emoji, reads as a question mark.

    Raises:
        MalformedMessage: not JSON, an unknown status, or a missing or wrong field; the text says which.
    """
    try:
        return _REPLY.validate_json(_without_halves(body) if _SURROGATE.search(body) else body)
    except ValidationError as error:
        raise MalformedMessage(f"not a reply to EXECUTE_JOB: {describe(error)}") from error


def _without_halves(body: bytes) -> bytes:
    """JSON allows half a surrogate pair as an escape, and JavaScript writes it; pydantic does not read it."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return body
