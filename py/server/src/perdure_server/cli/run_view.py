"""A run as people look at it, read through the API: its tasks as a tree, its waits and executions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from perdure.wire.runs import FINAL_RUN_STATUSES
from perdure_server.cli.api_client import ApiClient, segment
from perdure_server.cli.output import parse_instant

_PAGE = 50


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task. ``delay_until``, ``attempt_count`` and ``description`` are None when the API was asked."""

    id: str
    name: str
    key: str | None
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    output: Any
    delay_until: datetime | None
    attempt_count: int | None
    subtasks: list[TaskView]
    description: str | None = None

    @property
    def label(self) -> str:
        """What to call it; a line of the log has no key."""
        return self.key or self.description or self.name


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One EXECUTE_JOB request; ``ended_at`` is None while it is in flight."""

    number: int
    dispatcher: str
    claimed_at: datetime
    ended_at: datetime | None
    duration_ms: int | None
    verdict: str | None
    reply_status: str | None
    http_status: int | None
    message: str | None

    @property
    def outcome(self) -> str:
        """What came of it, in a word."""
        return self.reply_status or self.verdict or "IN FLIGHT"


@dataclass(frozen=True, slots=True)
class RunView:
    """A run. What the API does not tell is None, or an empty list of executions, when it was asked."""

    id: str
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    output: Any
    tasks: list[TaskView]
    executions: list[ExecutionView] = field(default_factory=list)
    job: str | None = None
    version: str | None = None
    event_id: str | None = None
    event_name: str | None = None
    created_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL_RUN_STATUSES

    def all_tasks(self) -> Iterator[TaskView]:
        """Every task, each parent before its subtasks."""

        def walk(tasks: list[TaskView]) -> Iterator[TaskView]:
            for task in tasks:
                yield task
                yield from walk(task.subtasks)

        return walk(self.tasks)


def fetch_run(api: ApiClient, run_id: str) -> dict[str, Any]:
    """A run with all its tasks, as the API shows it.

    Raises:
        CommandFailed: the API refuses; with the reason.
    """
    query = {"subtasks": True, "taskdetails": True, "take": _PAGE}
    run: dict[str, Any] = api.get(f"/api/v2/runs/{segment(run_id)}", **query)
    while cursor := run.pop("nextCursor", None):
        page = api.get(f"/api/v2/runs/{segment(run_id)}", cursor=cursor, **query)
        run["tasks"] += page["tasks"]
        run |= {"nextCursor": page.get("nextCursor")}
    return run


def view_run(run: Mapping[str, Any]) -> RunView:
    """A run that ``fetch_run`` has read."""
    return RunView(
        id=run["id"],
        status=run["status"],
        started_at=parse_instant(run.get("startedAt")),
        completed_at=parse_instant(run.get("completedAt")),
        output=run.get("output"),
        tasks=[_view_task(task) for task in run["tasks"]],
    )


def _view_task(task: Mapping[str, Any]) -> TaskView:
    return TaskView(
        id=task["id"],
        name=task["name"],
        key=task.get("displayKey"),
        status=task["status"],
        started_at=parse_instant(task.get("startedAt")),
        completed_at=parse_instant(task.get("completedAt")),
        output=task.get("output"),
        delay_until=None,
        attempt_count=None,
        subtasks=[_view_task(subtask) for subtask in task.get("subtasks") or []],
    )
