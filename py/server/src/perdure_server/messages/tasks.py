"""Tasks as the API takes and shows them; how our own SDK states one is in ``perdure.wire.tasks``."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue

from perdure.wire.base import OutputModel, WireModel
from perdure.wire.tasks import CachedTasksPage, DisplayProperty, Style, TaskRecord, TaskStatus


def _drop_incomplete(properties: Any) -> Any:
    if not isinstance(properties, list):
        return properties
    return [
        entry
        for entry in properties
        if isinstance(entry, dict)
        and isinstance(entry.get("label"), str)
        and isinstance(entry.get("text"), str)
    ]


# The v2 SDK may send display properties without label or text: these are not kept.
Properties = Annotated[list[DisplayProperty], BeforeValidator(_drop_incomplete)]


class StoreTasksBody(WireModel):
    """Body of ``PUT /api/v1/runs/{runId}/tasks``: parents before their children."""

    lease_number: int = Field(ge=0, le=2**31 - 1)
    tasks: list[TaskRecord]


class ServerTask(OutputModel):
    """A task as the platform knows it. ``attempts`` counts the current one: 1 on the first try."""

    id: str
    name: str
    status: TaskStatus
    idempotency_key: str
    noop: bool = False
    attempts: int = 1
    icon: str | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    delay_until: AwareDatetime | None = None
    description: str | None = None
    properties: list[DisplayProperty] | None = None
    output_properties: list[DisplayProperty] | None = None
    params: JsonValue = None
    context: JsonValue = None
    error: str | None = None
    parent_id: str | None = None
    style: Style | None = None
    operation: str | None = None
    callback_url: str | None = None
    child_execution_mode: str | None = None
    force_yield: bool | None = None


class StoreTasksAnswer(WireModel):
    """Answer of ``PUT /api/v1/runs/{runId}/tasks``, in the order of the body; null: as the body says."""

    tasks: list[ServerTask | None]


class StoreTasksLine(StoreTasksBody):
    """A line of the body of ``PUT /api/v1/tasks``: what one run has to store."""

    run_id: str


class RefusedLine(WireModel):
    """A line of the answer of ``PUT /api/v1/tasks`` for a run whose tasks are refused.

    It says what the answer would have been to a call for this run alone.
    """

    status: int
    error: str
    code: str


class CachedTasksQuery(WireModel):
    """Where the page begins: ``cachedTaskCursor`` of EXECUTE_JOB, or ``cursor`` of the page before."""

    cursor: UUID


class TaskCallback(WireModel):
    """Whether the task waits for a call from outside, and how long in seconds (0: for ever)."""

    enabled: bool = False
    timeout_in_seconds: float = Field(default=3600, ge=0, allow_inf_nan=False)


class TaskRedaction(WireModel):
    """Dot paths of the output that the dashboard hides."""

    paths: list[str]


class RunTaskBody(WireModel):
    """Body of ``POST /api/v1/runs/{runId}/tasks``.

    Source: RunTaskBodyInput of the trigger.dev v2 protocol.
    """

    idempotency_key: str = Field(min_length=1, max_length=1000)
    display_key: str | None = None
    noop: bool = False
    name: str | None = None
    icon: str | None = None
    description: str | None = None
    params: JsonValue = None
    properties: Properties | None = None
    style: Style | None = None
    delay_until: AwareDatetime | None = None
    retry: dict[str, JsonValue] | None = None
    operation: Literal["fetch", "fetch-response", "fetch-poll"] | None = None
    callback: TaskCallback | None = None
    connection_key: str | None = None
    redact: TaskRedaction | None = None
    parallel: bool | None = None
    parent_id: UUID | None = None


class RunTaskAnswer(WireModel):
    """Answer of ``POST …/tasks`` under ``trigger-version: 2023-09-29``; without it the bare task is sent."""

    task: ServerTask
    cached_tasks: CachedTasksPage | None = None


class CompleteTaskBody(OutputModel):
    """Body of ``POST …/complete``: ``output`` is JSON in a string under ``trigger-version: 2023-11-01``."""

    properties: Properties | None = None
    description: str | None = None
    params: JsonValue = None


class FailTaskBody(WireModel):
    """Body of ``POST …/fail``: ``{message, name?, stack?}``, or any JSON when it is a subtask's output."""

    error: JsonValue
