"""Tasks: the record the SDK sends, the task the platform answers, and the finished tasks a run carries."""

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import OutputModel, WireModel
from perdure.wire.events import MAX_TIMEOUT_S, EventName, RawEvent, SendEventOptions

CALLBACK_TIMED_OUT = "Remote callback timeout - no requests received"
"""Output of a task whose callback did not come in time. Source: the trigger.dev v2 protocol."""


class TaskStatus(StrEnum):
    """Where a task stands. Source: task state machine of the trigger.dev v2 protocol."""

    PENDING = "PENDING"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ERRORED = "ERRORED"
    CANCELED = "CANCELED"


class DisplayProperty(WireModel):
    """A labelled text that the dashboard highlights."""

    label: str
    text: str
    url: str | None = None
    image_url: list[str] | None = None


class Style(WireModel):
    """How the dashboard draws a task."""

    style: Literal["normal", "minimal"] = "normal"
    variant: str | None = None


class WireError(WireModel):
    """An error as it is stored and shown."""

    message: str
    name: str | None = None
    stack: str | None = None


class RetryPolicy(WireModel):
    """How a failing task is tried again: ``limit`` counts every try, the first included.

    The platform computes the delay: 1 (1 to 2 when randomized) x min x factor^(attempt - 2), capped at max.
    Source: task retry arithmetic of the trigger.dev v2 protocol.
    """

    limit: int = Field(default=5, ge=1)
    factor: float = Field(default=1.8, ge=1)
    min_timeout_in_ms: int = Field(default=1000, ge=0)
    max_timeout_in_ms: int = Field(default=60_000, ge=0)
    randomize: bool = True


class TaskCallback(WireModel):
    """A task that ends when somebody POSTs to the URL which the platform makes for it; 0 s: no time limit."""

    enabled: Literal[True] = True
    timeout_in_seconds: float = Field(default=3600, ge=0, le=MAX_TIMEOUT_S)


class Redact(WireModel):
    """Dotted paths in a task's output that are not to be shown."""

    paths: list[str]


class SendEventsEffect(WireModel):
    """Send events in the transaction that stores the task; its output is what was stored."""

    type: Literal["sendEvents"] = "sendEvents"
    events: list[RawEvent]
    options: SendEventOptions | None = None


class InvokeEffect(WireModel):
    """Start a job in the transaction that stores the task.

    With ``wait`` the task ends with that run, and its output is the RunNotification; without, it is done at
    once, and its output is ``{"id": run id}``. 0 s: no time limit.
    """

    type: Literal["invoke"] = "invoke"
    job_id: str
    payload: JsonValue = Field(default_factory=dict)
    context: JsonValue = Field(default_factory=dict)
    account_id: str | None = Field(default=None, min_length=1)
    wait: bool
    timeout_in_seconds: float = Field(default=0, ge=0, le=MAX_TIMEOUT_S)


class WaitForEventEffect(WireModel):
    """End the task with the first event that matches and was stored since the run was created.

    An event ends at most one such task of a run.
    """

    type: Literal["waitForEvent"] = "waitForEvent"
    name: EventName | Annotated[list[EventName], Field(min_length=1)]
    source: str | None = None
    filter: dict[str, JsonValue] | None = None
    context_filter: dict[str, JsonValue] | None = None
    account_id: str | None = Field(default=None, min_length=1)
    timeout_in_seconds: float = Field(default=3600, ge=1, le=MAX_TIMEOUT_S)


Effect: TypeAlias = Annotated[
    SendEventsEffect | InvokeEffect | WaitForEventEffect, Field(discriminator="type")
]
"""What the platform does for a task, in the transaction that stores it. Extension 2."""


class TaskRecord(OutputModel):
    """One task as the SDK states it: opened, announced as running, or finished with its result.

    ``status`` absent: open (a wait when there is a delay, done at once when ``noop``). ``delay_seconds``
    counts from the database's clock and is preferred to ``delay_until``. ``parent_key`` is the parent's
    idempotency key. An ``operation``, a ``callback`` or an ``effect`` is for the platform to end.
    """

    idempotency_key: str = Field(pattern="^[0-9a-f]{64}$")
    name: str
    noop: bool = False
    display_key: str | None = None
    icon: str | None = None
    description: str | None = None
    params: JsonValue = None
    properties: list[DisplayProperty] | None = None
    output_properties: list[DisplayProperty] | None = None
    style: Style | None = None
    parent_key: str | None = None
    connection_key: str | None = None
    delay_until: AwareDatetime | None = None
    delay_seconds: float | None = Field(default=None, ge=0)
    operation: Literal["fetch", "fetch-response", "fetch-poll"] | None = None
    callback: TaskCallback | None = None
    effect: Effect | None = None
    redact: Redact | None = None
    status: Literal["RUNNING", "COMPLETED", "ERRORED"] | None = None
    error: WireError | None = None
    started_at: AwareDatetime | None = None


class CachedTask(OutputModel):
    """A task of a run as an execution gets it; ``output`` of an ERRORED one is its error."""

    id: str
    idempotency_key: str
    status: TaskStatus
    noop: bool = False
    attempts: int = 1
    parent_id: str | None = None
    display_key: str | None = None
    name: str | None = None
    operation: str | None = None


class CachedTasksPage(WireModel):
    """Answer of ``GET /api/v1/runs/{runId}/tasks/cached``."""

    tasks: list[CachedTask]
    cursor: str | None = None


def stored_error(output: Any) -> WireError:
    """Read the error that an ERRORED task keeps as its output; anything else becomes its message."""
    if isinstance(output, dict) and isinstance(output.get("message"), str):
        name, stack = output.get("name"), output.get("stack")
        return WireError(
            message=output["message"],
            name=name if isinstance(name, str) else None,
            stack=stack if isinstance(stack, str) else None,
        )
    return WireError(message=output if isinstance(output, str) else repr(output))
