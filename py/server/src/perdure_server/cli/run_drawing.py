"""A run drawn as text: the tree of its tasks, and its executions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from perdure_server.cli.output import align, duration, local_time
from perdure_server.cli.run_view import ExecutionView, RunView, TaskView

_MARKS = {"COMPLETED": "✓", "ERRORED": "✗", "CANCELED": "–", "RUNNING": "▸", "WAITING": "◷", "PENDING": "·"}
_LONGEST_VALUE = 200


def draw_run(run: RunView, now: datetime) -> list[str]:
    """The run as lines.

    Args:
        now: for how long what is not finished has taken so far.
    """
    lines = [_title(run, now)]
    if run.event_id:
        lines.append(f"event {run.event_name} {run.event_id}, {local_time(run.created_at)}")
    lines += align(list(_task_rows(run.tasks, now)))
    if run.output is not None:
        lines.append(f"output {shorten(run.output)}")
    if run.executions:
        lines.append("executions")
        lines += [f"  {line}" for line in align([_execution_row(entry, now) for entry in run.executions])]
    return lines


def shorten(value: Any, longest: int = _LONGEST_VALUE) -> str:
    """A JSON value on one line, cut when it is too long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _title(run: RunView, now: datetime) -> str:
    parts = [run.status, "run", run.id]
    if run.job:
        parts.append(f"of {run.job} {run.version}")
    if run.started_at:
        parts.append(f"({_span(run.started_at, run.completed_at, now)})")
    return " ".join(parts)


def _task_rows(tasks: Sequence[TaskView], now: datetime, indent: str = "") -> Iterator[Sequence[str]]:
    for task in tasks:
        last = task is tasks[-1]
        mark = _MARKS.get(task.status, "?")
        name = f"{indent}{'└' if last else '├'}─ {mark} {task.label}"
        spent = _span(task.started_at, task.completed_at, now) if task.started_at else ""
        yield (name, task.status, spent, "; ".join(_remarks(task)))
        yield from _task_rows(task.subtasks, now, indent + ("   " if last else "│  "))


def _remarks(task: TaskView) -> Iterator[str]:
    if task.name not in (task.label, "Task"):
        yield task.name
    if task.delay_until:
        yield f"{'waits' if task.status == 'WAITING' else 'waited'} until {local_time(task.delay_until)}"
    if task.attempt_count and task.attempt_count > 1:
        yield f"attempt {task.attempt_count}"
    if task.status == "ERRORED":
        yield f"error {shorten(task.output, 120)}"


def _execution_row(execution: ExecutionView, now: datetime) -> Sequence[str]:
    spent = _span(execution.claimed_at, execution.ended_at, now)
    if execution.duration_ms is not None:
        spent = duration(execution.duration_ms / 1000)
    message = execution.message if execution.reply_status is None else None
    return (f"{execution.number}", execution.outcome, spent, f"by {execution.dispatcher}", message or "")


def _span(since: datetime, until: datetime | None, now: datetime) -> str:
    seconds = max(((until or now) - since).total_seconds(), 0)
    return duration(seconds) if until else f"{duration(seconds)} so far"
