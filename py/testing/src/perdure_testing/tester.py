"""Unit tests of jobs, without a database: everything is real but the platform, which is in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from perdure.app import Perdure
from perdure.client import ApiClient
from perdure.clock import present
from perdure.codec import to_plain
from perdure.execution import Execution
from perdure.job import AnyJob
from perdure.settings import Settings
from perdure.threads import run_blocking
from perdure.wire.execution import ExecuteJob
from perdure_integrations import Integration
from perdure_testing.memory import MemoryRun, cached
from perdure_testing.mocks import Mock, Mocks

_SETTINGS = Settings("http://perdure.test", "tr_test_0000000000000000")
_MOST_EXECUTIONS = 1000


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a job did, and what came of it."""

    status: str
    """``SUCCESS``, ``ERROR``, ``INVALID_PAYLOAD`` or ``UNRESOLVED_AUTH_ERROR``."""
    result: Any = field(repr=False)
    run: MemoryRun = field(repr=False)
    executions: int
    """How often the job was called: each wait and each try begins anew."""
    retries: list[str]
    """The keys of tasks that were tried again, once for each time."""

    @property
    def output(self) -> Any:
        """What the job returned, as JSON has it.

        Raises:
            AssertionError: it failed; the text has its error and its tasks.
        """
        __tracebackhide__ = True
        if self.status != "SUCCESS":
            tasks = "".join(f"\n  {key}: {status}" for key, status in self._shown_tasks())
            raise AssertionError(f"the job ended with {self.status}: {self.error}{tasks}")
        return self.result

    @property
    def error(self) -> str | None:
        """The message of the error that ended it; None: none has."""
        if self.status == "SUCCESS":
            return None
        if isinstance(self.result, dict) and "message" in self.result:
            return f"{self.result.get('name')}: {self.result['message']}"
        return str(self.result)

    @property
    def tasks(self) -> list[str]:
        """The keys of its tasks and waits, in the order in which they began."""
        return [key for key, _ in self._shown_tasks()]

    def output_of(self, key: str) -> Any:
        """The stored result of a task."""
        for row in self.run.rows.values():
            if row.get("displayKey") == key:
                return row.get("output")
        raise AssertionError(f"no task {key!r}: the job had {self.tasks}")

    @property
    def logs(self) -> list[str]:
        """What it wrote with ``io.logger``."""
        return [row["description"] for row in self.run.rows.values() if _is_log_line(row)]

    @property
    def waits(self) -> dict[str, float | str]:
        """Waits for time that were skipped, by their keys: seconds, or the instant."""
        return self.run.waits

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events that it sent, as they travel."""
        return self.run.events

    @property
    def invoked(self) -> list[tuple[str, Any]]:
        """Jobs that it started, with their payloads."""
        return self.run.invoked

    @property
    def statuses(self) -> dict[str, dict[str, Any]]:
        """Statuses that it set, by their keys."""
        return self.run.statuses

    @property
    def tags(self) -> set[str]:
        """Tags that it gave its run."""
        return self.run.tags

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata that it gave its run."""
        return self.run.metadata

    def _shown_tasks(self) -> Iterator[tuple[str, str]]:
        for row in self.run.rows.values():
            if not _is_log_line(row):
                yield str(row.get("displayKey") or row["name"]), row["status"]


class JobTester:
    """Runs a job from its start to its end, at once: waits are skipped, and answered by the test.

    The job is executed as it is in production, again from the top after each wait, so code that must not be
    outside of tasks shows here, too. For what happens in SQL, such as filters and schedules, use a Platform.

    Args:
        job: the job.
        answers: what comes where the job waits for something else than time, by the task's key: the payload
            of an event, the JSON of a request, the output of another job, the answer of a background
            request; an exception, or ``TIMED_OUT``; or a function that returns these, given the task's params
            or the payload for the other job. For ``batch_invoke_and_wait`` a list, or such a function.
    """

    def __init__(self, job: AnyJob, *, answers: Mapping[str, Any] | None = None) -> None:
        self._job = job
        self._answers = dict(answers or {})
        self._methods: list[tuple[Integration[Any, Any] | str, str, Mock]] = []
        self._tasks: dict[str, Mock] = {}

    def mock(
        self,
        integration: Integration[Any, Any] | str,
        method: str,
        *,
        returns: Any = None,
        raises: BaseException | None = None,
        side_effect: Callable[..., Any] | Iterable[Any] | None = None,
    ) -> Mock:
        """As ``Platform.mock``."""
        mock = Mock(returns, raises, side_effect)
        self._methods.append((integration, method, mock))
        return mock

    def mock_task(
        self,
        key: str,
        *,
        returns: Any = None,
        raises: BaseException | None = None,
        side_effect: Callable[..., Any] | Iterable[Any] | None = None,
    ) -> Mock:
        """As ``Platform.mock_task``."""
        self._tasks[key] = Mock(returns, raises, side_effect)
        return self._tasks[key]

    async def run(
        self, payload: Any = None, *, context: Any = None, account_id: str | None = None
    ) -> JobOutcome:
        """Run it.

        Args:
            payload: plain data, or a pydantic model or dataclass.
            context: of the event, for the job's ``ctx``; as the payload.
            account_id: the end user whom it is about.
        Raises:
            Unanswered: it waits for something that is not among the answers.
        """
        run = MemoryRun(self._answers)
        with self._attached(self._job.app, run):
            return await self._run(run, self._request(run, payload, context, account_id))

    def run_blocking(
        self, payload: Any = None, *, context: Any = None, account_id: str | None = None
    ) -> JobOutcome:
        """The same for a test that is not async; a plain job runs in this thread."""
        return run_blocking(lambda: self.run(payload, context=context, account_id=account_id))

    async def _run(self, run: MemoryRun, request: dict[str, Any]) -> JobOutcome:
        yielded: list[str] = []
        retries: list[str] = []
        for number in range(1, _MOST_EXECUTIONS + 1):
            execute = {
                **request,
                "tasks": [cached(row) for row in run.rows.values()],
                "yieldedExecutions": yielded,
                "perdure": {"leaseNumber": number},
            }
            body = json.dumps(execute).encode()
            execution = Execution(self._job.app, self._job, ExecuteJob.parse(body), body)
            reply = json.loads(await execution.run())
            for record in reply.get("tasks") or []:
                run.put(record)
            match reply["status"]:
                case "RESUME_WITH_TASK":
                    run.end_wait(reply["task"])
                case "RETRY_WITH_TASK":
                    retries.append(run.retry(reply["task"]))
                case "YIELD_EXECUTION":
                    yielded.append(reply["key"])
                case "AUTO_YIELD_EXECUTION":
                    pass
                case status:
                    result = reply.get("output", reply.get("error", reply.get("errors", reply.get("issues"))))
                    return JobOutcome(status, result, run, number, retries)
        raise AssertionError(f"the job did not end in {_MOST_EXECUTIONS} executions")

    def _request(self, run: MemoryRun, payload: Any, context: Any, account_id: str | None) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        request = {
            "event": {
                "id": uuid4().hex,
                "name": "test",
                "payload": {} if payload is None else to_plain(payload, "the payload"),
                "context": {} if context is None else to_plain(context, "the context"),
                "timestamp": now,
            },
            "job": {"id": self._job.id, "version": self._job.version},
            "run": {"id": run.id, "isTest": True, "startedAt": now},
            "environment": {"id": str(uuid4()), "slug": "test", "type": "DEVELOPMENT"},
            "organization": {"id": str(uuid4()), "title": "Test", "slug": "test"},
        }
        return request if account_id is None else {**request, "account": {"id": account_id}}

    @contextmanager
    def _attached(self, app: Perdure, run: MemoryRun) -> Iterator[None]:
        mocks = Mocks()
        for integration, method, mock in self._methods:
            mocks.add_method(integration, method, mock)
        for key, mock in self._tasks.items():
            mocks.add_task(key, mock)
        mocks.take_part(app)
        token = present.set(lambda: run.now)
        settings, api = app.settings, app.api
        app.settings, app.api = _SETTINGS, ApiClient(_SETTINGS, run, patience_s=0)
        try:
            yield
        finally:
            app.settings, app.api = settings, api
            present.reset(token)
            mocks.undo()


def _is_log_line(row: dict[str, Any]) -> bool:
    return bool(row.get("noop")) and row["name"] == "log"
