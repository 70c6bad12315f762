"""How a run ended, as tests compare it: status, output, tasks, and how often user code ran."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

ABSENT = "(absent)"
"""The output of a run that has none; ``None`` is JSON's null."""


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Args:
        status: as on the wire.
        output: of the run; ``ABSENT``: none. An error lacks its stack.
        tasks: a line each, ``key STATUS``, below a parent indented by two spaces; in the order of creation.
        calls: how often each part of user code ran; ``run`` is the job itself, once an execution.
    """

    status: str
    output: Any = ABSENT
    tasks: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=lambda: {"run": 1})

    def in_any_order(self) -> Self:
        """The same with the lines of tasks sorted: those of a parallel task are created in any order."""
        return replace(self, tasks=sorted(self.tasks))


def without_stack(value: Any) -> Any:
    """An error without what differs from machine to machine."""
    if isinstance(value, dict) and "message" in value:
        return {name: part for name, part in value.items() if name != "stack"}
    return value


def task_lines(tasks: list[dict[str, Any]], depth: int = 0) -> list[str]:
    """The tree of ``GET /api/v2/runs/{id}?subtasks=true``, a line a task."""
    lines = []
    for task in tasks:
        lines.append(f"{'  ' * depth}{task.get('displayKey') or task['name']} {task['status']}")
        lines += task_lines(task.get("subtasks") or [], depth + 1)
    return lines
