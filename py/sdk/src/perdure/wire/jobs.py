"""Jobs as the API knows them: starting one directly, and the runs of one."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel
from perdure.wire.metadata import Tags
from perdure.wire.statuses import RunStatus


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
