"""Runs and events as the API shows them."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, overload

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from perdure.wire.base import OutputModel, WireModel, describe
from perdure.wire.statuses import RunStatus, TaskStatus

T = TypeVar("T")


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
    subtasks: list[RunTask] | None = None


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
