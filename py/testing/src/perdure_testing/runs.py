"""A run as a test sees it: always as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from perdure_testing.traffic import Call, Execution

if TYPE_CHECKING:
    from perdure_testing.platform import Platform

Rows = Callable[[str, Sequence[Any]], list[dict[str, Any]]]

_MOST_SKIPS = 1000

_TASKS = """
select
    t.id, t.parent_id, t.idempotency_key, coalesce(t.display_key, t.name) as key, t.name, t.status, t.noop,
    t.description, t.params, t.output, t.attempt_count, t.callback_url, t.due_at,
    (
        select a.error from perdure.task_attempts as a where a.task_id = t.id order by a.number desc limit 1
    ) as last_error
from perdure.tasks as t
where t.run_id = %s
order by t.id
"""


class RunNotSuccessful(AssertionError):
    """The output of a run was asked for that has none; the text shows how the run stands."""


@dataclass(frozen=True, slots=True)
class TestTask:
    """A task of a run."""

    __test__ = False

    key: str
    """As it was given; of a list its members, joined."""
    name: str
    status: str
    output: Any
    """The result; of a task that failed, its error."""
    params: Any
    attempts: int
    last_error: str | None
    """Of the last try that was followed by another."""
    due_at: datetime | None
    """When its wait, or the pause before its next try, is over."""
    callback_url: str | None
    """Where a POST ends it."""
    idempotency_key: str = field(repr=False)
    tasks: list[TestTask] = field(default_factory=list)
    """The tasks within it."""

    def walk(self) -> Iterator[TestTask]:
        """This task and all within it."""
        yield self
        for task in self.tasks:
            yield from task.walk()


class RunView:
    """How a run stands. Its properties read the database each time.

    Args:
        rows: reads the database.
    """

    def __init__(self, platform: Platform, run_id: str, rows: Rows) -> None:
        self._platform = platform
        self._rows = rows
        self.id = run_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    def __str__(self) -> str:
        return self.describe()

    @property
    def job(self) -> str:
        """The id of its job."""
        job: str = self._row["job"]
        return job

    @property
    def status(self) -> str:
        """Such as ``SUCCESS``, ``FAILURE``, ``WAITING_TO_CONTINUE``."""
        status: str = self._row["status"]
        return status

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._row["completed_at"] is not None

    @property
    def output(self) -> Any:
        """What the job returned, as JSON has it.

        Raises:
            RunNotSuccessful: it returned nothing yet, or failed; the text shows the run's tasks and error.
        """
        __tracebackhide__ = True
        row = self._row
        if row["status"] != "SUCCESS":
            raise RunNotSuccessful(self.describe())
        return row["output"]

    @property
    def error(self) -> str | None:
        """The message of the error that ended it; None: none has."""
        row = self._row
        if row["status"] == "SUCCESS" or row["completed_at"] is None:
            return None
        return _message(row["output"]) or str(row["status"])

    @property
    def tasks(self) -> list[TestTask]:
        """Its tasks in the order in which they began, each with those within it; log lines left out."""
        inside: dict[str | None, list[TestTask]] = {None: []}
        for row in self._task_rows():
            if not _is_log_line(row):
                task = _task(row)
                inside[row["id"]] = task.tasks
                inside.setdefault(row["parent_id"], []).append(task)
        return inside[None]

    def task(self, key: str) -> TestTask:
        """A task by its key, wherever it is; of several the first.

        Raises:
            AssertionError: there is none; the text shows those that there are.
        """
        for top in self.tasks:
            for task in top.walk():
                if task.key == key:
                    return task
        raise AssertionError(f"no task {key!r} in {self.describe()}")

    @property
    def logs(self) -> list[str]:
        """What it wrote with ``io.logger``."""
        return [row["description"] for row in self._task_rows() if _is_log_line(row)]

    @property
    def executions(self) -> list[Execution]:
        """How often the job was called, and what it did each time."""
        return [one for one in self._platform.executions if one.run_id == self.id]

    @property
    def calls(self) -> list[Call]:
        """All requests that the job made to the API."""
        return [call for execution in self.executions for call in execution.calls]

    def describe(self) -> str:
        """The run for people: status, error, tasks."""
        row = self._row
        lines = [f"run {self.id} of job {row['job']!r}: {row['status']}"]
        if self.error is not None:
            lines.append(f"  error: {self.error}")
        for task in self.tasks:
            lines += _lines(task, "  ")
        return "\n".join(lines)

    @property
    def _row(self) -> dict[str, Any]:
        (row,) = self._rows(
            "select r.status, r.output, r.completed_at, v.job from perdure.runs as r"
            " inner join perdure_views.runs as v on v.id = r.id where r.id = %s",
            [self.id],
        )
        return row

    def _task_rows(self) -> list[dict[str, Any]]:
        return self._rows(_TASKS, [self.id])


class TestRun(RunView):
    """A run, and what an async test does with it."""

    __test__ = False

    async def advance(
        self,
        by: timedelta = timedelta(0),
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Skip time; see ``Platform.advance``."""
        await self._platform.advance(by, days=days, hours=hours, minutes=minutes, seconds=seconds)

    async def finish(self) -> None:
        """Skip time until the run has ended.

        Raises:
            AssertionError: it waits for something that time does not bring.
        """
        for _ in range(_MOST_SKIPS):
            if self.is_finished:
                return
            if not await self._platform.skip_to_next():
                break
        if not self.is_finished:
            raise AssertionError(f"time does not end it: {self.describe()}")

    async def post(self, key: str, payload: Any = None) -> None:
        """POST JSON to the URL that a task waits at, as the person or service would that was told it.

        Args:
            key: of the task, such as that of ``io.wait_for_request``.
        Raises:
            AssertionError: there is no such task, or it does not wait for a request.
        """
        url = self.task(key).callback_url
        if url is None:
            raise AssertionError(f"task {key!r} waits for no request: {self.describe()}")
        await self._platform.post(url, payload)

    async def cancel(self) -> None:
        """Cancel it."""
        await self._platform.client.cancel_run(self.id)
        await self._platform.settle()


def _is_log_line(row: dict[str, Any]) -> bool:
    return bool(row["noop"]) and row["name"] == "log"


def _task(row: dict[str, Any]) -> TestTask:
    return TestTask(
        key=row["key"],
        name=row["name"],
        status=row["status"],
        output=row["output"],
        params=row["params"],
        attempts=row["attempt_count"],
        last_error=_message(row["last_error"]),
        due_at=row["due_at"],
        callback_url=row["callback_url"],
        idempotency_key=row["idempotency_key"],
    )


def _lines(task: TestTask, indent: str) -> list[str]:
    line = f"{indent}{task.key}: {task.status}"
    if task.attempts > 1:
        line += f", try {task.attempts}"
    if task.status == "ERRORED":
        line += f" ({_message(task.output)})"
    elif task.due_at is not None:
        line += f" until {task.due_at.isoformat()}"
        line += f" ({task.last_error})" if task.last_error is not None else ""
    return [line, *(one for inner in task.tasks for one in _lines(inner, indent + "  "))]


def _message(output: Any) -> str | None:
    if isinstance(output, dict) and isinstance(output.get("message"), str):
        name = output.get("name")
        return f"{name}: {output['message']}" if isinstance(name, str) else output["message"]
    return None if output is None else str(output)
