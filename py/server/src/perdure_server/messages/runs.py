"""Which runs to show, and how browsers follow one; the rest of what is shown are messages of the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue

from perdure.wire.base import OutputModel, WireModel
from perdure.wire.events import Tags
from perdure.wire.runs import RunStatus, StatusRecord

MAX_TAKE = 50


def _cap_take(value: Any) -> Any:
    return (
        min(int(value), MAX_TAKE) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    )


Take = Annotated[
    int,
    Field(ge=1, description=f"Most entries of the page; above {MAX_TAKE} means {MAX_TAKE}."),
    BeforeValidator(_cap_take),
]


class RunQuery(WireModel):
    """What of a run to show. ``cursor`` is the ``nextCursor`` of the page before."""

    subtasks: bool = False
    taskdetails: bool = Field(default=False, description="Params and outputs of tasks; only for secret keys.")
    cursor: UUID | None = None
    take: Take = 20


class ListRunsQuery(WireModel):
    """Which runs to list, newest first."""

    status: RunStatus | None = None
    job: str | None = Field(default=None, description="The id of a job.")
    tag: Tags = Field(default_factory=list, description="Only runs with this tag; several: with all of them.")
    cursor: UUID | None = None
    take: Take = 20


class JobRunsQuery(WireModel):
    """Which page of a job's runs to list, newest first."""

    cursor: UUID | None = None
    take: Take = 20


class RerunBody(WireModel):
    """Body of ``POST /api/v1/runs/{runId}/rerun``, which may be empty."""

    payload: JsonValue = Field(default=None, description="Instead of the event's; absent: the same again.")


class FollowedRun(OutputModel):
    """How a run stands: what it tells of itself, without its tasks."""

    id: str
    status: RunStatus
    started_at: AwareDatetime | None
    updated_at: AwareDatetime
    completed_at: AwareDatetime | None
    tags: list[str]
    metadata: dict[str, JsonValue]
    statuses: list[StatusRecord]


class CreateRunTokenBody(WireModel):
    """How long a token for one run holds."""

    lifetime_s: int = Field(
        default=3600, ge=1, le=30 * 86_400, description="Seconds; at most 30 days.", alias="lifetimeInSeconds"
    )


class RunToken(WireModel):
    """A token for one run. It is shown once."""

    token: str = Field(repr=False)
    expires_at: AwareDatetime
