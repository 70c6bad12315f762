"""Which runs to show, and lists of them; a run itself is a message of the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from perdure.wire.base import WireModel
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
    cursor: UUID | None = None
    take: Take = 20


class JobRunsQuery(WireModel):
    """Which page of a job's runs to list, newest first."""

    cursor: UUID | None = None
    take: Take = 20


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


class RunList(WireModel):
    """A page of runs, newest first."""

    runs: list[ListedRun]
    next_cursor: str | None = None
