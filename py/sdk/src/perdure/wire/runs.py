"""What the API shows and takes: runs and events, jobs, the key-value store, accounts at services."""

from enum import StrEnum
from typing import Any, Literal, TypeAlias, TypeVar, overload

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from perdure.wire.base import OutputModel, WireModel, describe
from perdure.wire.events import Tags
from perdure.wire.tasks import TaskStatus

T = TypeVar("T")


class RunStatus(StrEnum):
    """Where a run stands. Source: run state machine of the trigger.dev v2 protocol."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    WAITING_ON_CONNECTIONS = "WAITING_ON_CONNECTIONS"
    PREPROCESSING = "PREPROCESSING"
    STARTED = "STARTED"
    EXECUTING = "EXECUTING"
    WAITING_TO_CONTINUE = "WAITING_TO_CONTINUE"
    WAITING_TO_EXECUTE = "WAITING_TO_EXECUTE"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    CANCELED = "CANCELED"
    UNRESOLVED_AUTH = "UNRESOLVED_AUTH"
    INVALID_PAYLOAD = "INVALID_PAYLOAD"

    @property
    def is_final(self) -> bool:
        """True when the run will not move again by itself."""
        return self in FINAL_RUN_STATUSES


FINAL_RUN_STATUSES = frozenset(
    {
        RunStatus.SUCCESS,
        RunStatus.FAILURE,
        RunStatus.TIMED_OUT,
        RunStatus.ABORTED,
        RunStatus.CANCELED,
        RunStatus.UNRESOLVED_AUTH,
        RunStatus.INVALID_PAYLOAD,
    }
)


class RunTask(OutputModel):
    """A task of a run; ``params`` and ``output`` only with task details."""

    id: str
    display_key: str | None = None
    status: TaskStatus
    name: str
    icon: str | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    params: JsonValue = None
    subtasks: list["RunTask"] | None = None


class StatusRecord(WireModel):
    """A status that a run shows to its user."""

    key: str
    label: str
    state: str | None = None
    data: JsonValue = None
    history: list[dict[str, JsonValue]] = Field(default_factory=list)


class StatusUpdate(WireModel):
    """Body of ``PUT /api/v1/runs/{runId}/statuses/{statusKey}``: what is absent keeps its value."""

    label: str | None = None
    state: Literal["loading", "success", "failure"] | None = None
    data: dict[str, JsonValue] | None = None


class RunState(OutputModel):
    """How a run stands, without its tasks."""

    id: str
    status: RunStatus


class RunStatuses(WireModel):
    """Answer of ``GET /api/v2/runs/{runId}/statuses``, in the order in which the statuses were first set."""

    run: RunState
    statuses: list[StatusRecord]


class Run(OutputModel):
    """A run with a page of its tasks."""

    id: str
    status: RunStatus
    started_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tasks: list[RunTask] = Field(default_factory=list)
    statuses: list[StatusRecord] = Field(default_factory=list)
    next_cursor: str | None = None

    @overload
    def output_as(self, schema: type[T]) -> T: ...

    @overload
    def output_as(self, schema: Any) -> Any: ...

    def output_as(self, schema: Any) -> Any:
        """What the job returned, as a type: a pydantic model, a dataclass, ``list[int]``.

        Raises:
            ValueError: it does not fit the type, or the run has not succeeded, so that there is none.
        """
        if self.status is not RunStatus.SUCCESS:
            raise ValueError(f"run {self.id} is {self.status}, not SUCCESS: {self.output!r}")
        try:
            return TypeAdapter(schema).validate_json(to_json(self.output))
        except ValidationError as error:
            raise ValueError(
                f"the output of run {self.id} does not fit {schema!r}: {describe(error)}"
            ) from error


class JobOfRun(WireModel):
    """Which job, in which version."""

    id: str
    version: str


class EventOfRun(WireModel):
    """Which event started it."""

    id: str
    name: str


class ListedRun(WireModel):
    """A run in a list."""

    id: str
    status: RunStatus
    job: JobOfRun
    event: EventOfRun
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    created_at: AwareDatetime
    is_test: bool
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class RunList(WireModel):
    """A page of runs, newest first."""

    runs: list[ListedRun]
    next_cursor: str | None = None


class EventRun(WireModel):
    """A run that an event started."""

    id: str
    status: RunStatus
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class EventDetails(WireModel):
    """An event and the runs it started."""

    id: str
    name: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    runs: list[EventRun] = Field(default_factory=list)


class CancelRunsAnswer(WireModel):
    """Which runs a bulk cancel reached."""

    cancelled_run_ids: list[str]
    failed_to_cancel_run_ids: list[str]


class ApiErrorBody(WireModel):
    """The one shape of every API error: ``error`` names the field and the fix."""

    error: str
    code: str | None = None


class ConcurrencyGroup(WireModel):
    """A concurrency limit shared by every job that names the same id."""

    id: str
    limit: int = Field(ge=1)


class InvokeOptions(WireModel):
    """For whom a job is started, where the end of its run is told, and what the run gets."""

    account_id: str | None = Field(default=None, min_length=1)
    callback_url: str | None = Field(default=None, json_schema_extra={"format": "uri"})
    tags: Tags | None = Field(default=None, description="Of the run.")
    metadata: dict[str, JsonValue] | None = Field(default=None, description="Of the run.")


class InvokeJobBody(WireModel):
    """Body of ``POST /api/v1/jobs/{jobId}/invoke``; payload and context are ``{}`` when absent."""

    payload: JsonValue = Field(default_factory=dict)
    context: JsonValue = Field(default_factory=dict)
    options: InvokeOptions | None = None


class InvokedRun(WireModel):
    """The run that was started, or that the same idempotency key had started before."""

    id: str


class JobRun(WireModel):
    """A run in the list of a job's runs."""

    id: str
    status: RunStatus
    started_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class JobRuns(WireModel):
    """A page of a job's runs, newest first."""

    runs: list[JobRun]
    next_cursor: str | None = None


class StoreItem(WireModel):
    """A key and its value: JSON text, None when there is no value."""

    action: Literal["GET", "SET"]
    key: str
    value: str | None = None


class StoreItemDeleted(WireModel):
    """A key whose value was removed, if there was one."""

    action: Literal["DELETE"]
    key: str
    deleted: bool


AuthType: TypeAlias = Literal["oauth2", "apiKey"]


class CreateConnectionBody(WireModel):
    """An account at a service: its token, and what goes with it."""

    access_token: str = Field(min_length=1, repr=False, description="Stored encrypted.")
    type: AuthType
    scopes: list[str] | None = None
    additional_fields: dict[str, str] | None = Field(
        default=None, repr=False, description="What the service wants beside the token, such as a subdomain."
    )
    metadata: JsonValue = None


class Connection(WireModel):
    """An account at a service, without its token."""

    id: str
    integration: str = Field(description="The integration's id in the app.")
    account_id: str | None = Field(
        default=None, description="The app's end user; absent: the developer's own."
    )
    type: AuthType
    scopes: list[str]
    metadata: JsonValue = None
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
