"""The tree of a run's tasks as rows of a table, with a link wherever more are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from perdure_engine.task_views import TaskRow
from perdure_server.dashboard.timeline import Axis, Bar

DEEPEST = 8
"""Levels that are drawn; what lies deeper is drawn there."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task, and where it is on the axis of its run."""

    task: TaskRow
    bar: Bar | None
    """None: it is from before the run, taken over."""
    kind: str
    """How the bar looks."""
    duration_ms: float | None
    """None: it has not ended."""

    @property
    def depth(self) -> int:
        """Of the line's indent."""
        return min(self.task.depth, DEEPEST)


@dataclass(frozen=True, slots=True)
class MoreLine:
    """Tasks that are left out here."""

    depth: int
    within: str | None
    after: str | None
    """The last one shown of the same level; None: none is."""
    count: int | None
    """How many; None: many."""


def lines_of(
    tasks: Iterable[TaskRow], axis: Axis, end: datetime, *, within: str | None, per_level: int
) -> list[TaskLine | MoreLine]:
    """Rows for a table.

    Args:
        tasks: as ``list_tasks`` gives them, one more of the outermost level than is shown.
        axis: of the run.
        end: of what has not ended.
        within: the task that the outermost level lies in.
        per_level: most tasks shown of it.
    """
    lines: list[TaskLine | MoreLine] = []
    open_tasks: list[TaskRow] = []  # around the place where the next line is
    shown: Counter[str | None] = Counter()
    last: dict[str | None, str] = {}

    def close(depth: int) -> None:
        while len(open_tasks) > depth:
            task = open_tasks.pop()
            if (left := task.children - shown[task.id]) > 0:
                indent = min(task.depth + 1, DEEPEST)
                lines.append(MoreLine(indent, task.id, last.get(task.id), left))

    for task in tasks:
        close(task.depth)
        level = within if task.depth == 0 else task.parent_id
        if task.depth == 0 and shown[level] == per_level:
            lines.append(MoreLine(0, within, last[level], None))
            return lines
        shown[level] += 1
        last[level] = task.id
        open_tasks.append(task)
        lines.append(_line(task, axis, end))
    close(0)
    return lines


def _line(task: TaskRow, axis: Axis, end: datetime) -> TaskLine:
    stop = task.completed_at or max(end, task.started_at)
    length = stop - task.started_at
    return TaskLine(
        task,
        axis.bar(task.started_at, stop),
        _KINDS[task.status] if not task.noop else "wait",
        max(length / timedelta(milliseconds=1), 0.0) if task.completed_at else None,
    )


_KINDS = {
    "PENDING": "idle",
    "WAITING": "wait",
    "RUNNING": "busy",
    "COMPLETED": "good",
    "ERRORED": "bad",
    "CANCELED": "idle",
}
