"""What changed in a run since it was last looked at, a line for each thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from perdure.wire.runs import RunStatus
from perdure_server.cli.local.processes import wait_until
from perdure_server.cli.output import duration, local_time
from perdure_server.cli.run_drawing import shorten
from perdure_server.cli.run_view import ExecutionView, RunView, TaskView

Change: TypeAlias = tuple[datetime, str]
_UNKNOWN = datetime.max.replace(tzinfo=UTC)


class RunProgress:
    """Compares a run with what it was at the call before."""

    def __init__(self) -> None:
        self._status = ""
        self._tasks: dict[str, tuple[str, int | None]] = {}
        self._executions: dict[int, bool] = {}

    def changes(self, run: RunView) -> list[str]:
        """A line for everything new, in the order in which it happened."""
        found = sorted([*self._executions_of(run), *self._tasks_of(run)], key=lambda change: change[0])
        lines = [line for _, line in found]
        told = run.status == RunStatus.EXECUTING and run.executions  # by the line of its execution
        if run.status != self._status and not told:
            lines.append(_run_line(run))
        self._status = run.status
        return lines

    def _executions_of(self, run: RunView) -> Iterator[Change]:
        for execution in run.executions:
            if execution.number not in self._executions:
                self._executions[execution.number] = False
                yield (
                    execution.claimed_at,
                    f"execution {execution.number} begins (dispatcher {execution.dispatcher})",
                )
            if execution.ended_at and not self._executions[execution.number]:
                self._executions[execution.number] = True
                yield execution.ended_at, _execution_line(execution)

    def _tasks_of(self, run: RunView) -> Iterator[Change]:
        for task in run.all_tasks():
            now = (task.status, task.attempt_count)
            if self._tasks.get(task.id) != now:
                self._tasks[task.id] = now
                yield task.completed_at or task.started_at or _UNKNOWN, _task_line(task)


def follow(
    look: Callable[[], RunView], tell: Callable[[str], None], *, timeout_s: float = float("inf")
) -> RunView:
    """Tell every change of a run until it has ended; returns it as it ended.

    Args:
        look: reads the run.
        tell: gets each line.
        timeout_s: seconds after which it is given up.
    Raises:
        CommandFailed: the deadline passed.
    """
    progress = RunProgress()

    def ended() -> RunView | None:
        run = look()
        for line in progress.changes(run):
            tell(line)
        return run if run.is_final else None

    run = wait_until(ended, timeout_s=timeout_s, what="the end of the run", poll_s=0.1)
    assert run is not None  # noqa: S101  # wait_until returns what is true only
    return run


def _task_line(task: TaskView) -> str:
    parts = [f"task {task.label!r} {task.status}"]
    if task.status == "WAITING" and task.delay_until:
        parts.append(f"until {local_time(task.delay_until)}")
    if task.attempt_count and task.attempt_count > 1:
        parts.append(f"(attempt {task.attempt_count})")
    if task.status == "ERRORED":
        parts.append(shorten(task.output, 120))
    return " ".join(parts)


def _execution_line(execution: ExecutionView) -> str:
    spent = f" after {duration(execution.duration_ms / 1000)}" if execution.duration_ms is not None else ""
    message = f": {execution.message}" if execution.message and execution.reply_status is None else ""
    return f"execution {execution.number} ends: {execution.outcome}{spent}{message}"


def _run_line(run: RunView) -> str:
    output = f", output {shorten(run.output, 120)}" if run.is_final and run.output is not None else ""
    return f"run {run.status}{output}"
