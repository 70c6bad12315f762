"""Which runs to show; what is shown are messages of the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from perdure.wire.base import WireModel
from perdure.wire.events import Tags
from perdure.wire.statuses import RunStatus

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
