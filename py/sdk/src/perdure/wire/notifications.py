"""How a run ended, what it is about before it starts, and the probe of a host's time limit."""

from typing import Generic

from pydantic import AwareDatetime, Field, JsonValue
from typing_extensions import TypeVar

from perdure.wire.base import OutputModel, WireModel
from perdure.wire.events import ApiEventLog
from perdure.wire.execution import (
    AccountReference,
    EnvironmentReference,
    JobReference,
    OrganizationReference,
    ProjectReference,
)
from perdure.wire.runs import RunStatus, StatusRecord
from perdure.wire.tasks import DisplayProperty, TaskStatus

Out = TypeVar("Out", default=JsonValue)


class FailedTask(WireModel):
    """The task for which a run most likely failed; ``error`` is what it ended with."""

    id: str
    cache_key: str | None = None
    status: TaskStatus
    name: str
    icon: str | None = None
    started_at: AwareDatetime | None = None
    error: JsonValue = None
    params: JsonValue = None


class Invocation(WireModel):
    """The event that started a run; its id is the event's."""

    id: str
    payload: JsonValue = None
    context: JsonValue = None
    timestamp: AwareDatetime


class RunNotification(OutputModel, Generic[Out]):
    """Body of RUN_NOTIFICATION: a run has ended. ``output`` is there when ``ok``, else ``error``.

    ``execution_duration_in_ms`` is the time of all executions together.
    """

    id: str
    ok: bool
    status: RunStatus
    job: JobReference
    started_at: AwareDatetime
    updated_at: AwareDatetime
    completed_at: AwareDatetime
    is_test: bool = False
    execution_duration_in_ms: int = 0
    execution_count: int = 0
    statuses: list[StatusRecord] = Field(default_factory=list)
    environment: EnvironmentReference
    organization: OrganizationReference
    project: ProjectReference | None = None
    account: AccountReference | None = None
    invocation: Invocation
    output: Out = None  # type: ignore[assignment]  # when the run failed
    error: JsonValue = None
    task: FailedTask | None = None

    @property
    def error_message(self) -> str:
        """What went wrong, in a line or more; empty when nothing did."""
        if self.ok:
            return ""
        message = self.error.get("message") if isinstance(self.error, dict) else None
        return message if isinstance(message, str) else f"the run ended with {self.status}: {self.error}"


class NotificationAnswer(WireModel):
    """Answer to RUN_NOTIFICATION and to PROBE_EXECUTION_TIMEOUT."""

    ok: bool = True


class PreprocessRun(WireModel):
    """Body of PREPROCESS_RUN, as far as the SDK reads it."""

    event: ApiEventLog
    job: JobReference


class PreprocessAnswer(WireModel):
    """Answer to PREPROCESS_RUN: the properties are shown on the run."""

    abort: bool = False
    properties: list[DisplayProperty] = Field(default_factory=list)


class ProbeExecutionTimeout(WireModel):
    """Body of PROBE_EXECUTION_TIMEOUT: for how many ms to live before answering."""

    timeout: float = Field(default=900_000, ge=0, le=900_000)
