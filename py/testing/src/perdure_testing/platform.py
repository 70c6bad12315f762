"""The platform of one test: real engine, real API, jobs called in the test's own event loop, skipped time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from perdure.app import Perdure
from perdure.calls import make_event, plain_json
from perdure.client import ApiClient
from perdure.codec import to_json_text
from perdure.job import AnyJob
from perdure.settings import Settings
from perdure.triggers.event import EventTrigger
from perdure.wire import headers as names
from perdure.wire.events import SendEventBody, SendEventOptions
from perdure.wire.http import HttpResponse
from perdure.wire.runs import InvokeJobBody, InvokeOptions
from perdure_integrations import Integration
from perdure_testing.apps import PUBLIC_URL, Apps, InProcessApi, url_of
from perdure_testing.loop_thread import LoopThread
from perdure_testing.mocks import Mock, Mocks
from perdure_testing.outside import Outside, OutsideHandler
from perdure_testing.runs import TestRun
from perdure_testing.traffic import Call, Execution, Faults

if TYPE_CHECKING:
    from perdure_testing.backend import Backend


class ExecutionStuck(AssertionError):
    """A job did not come to an end, nor to a wait, in the time that a test may take for it."""


class Platform:
    """The whole of Perdure in this process, for one test.

    Jobs run only while the test awaits one of the methods here, one execution after the other; each returns
    when nothing is left to do at the present time. The clock stands still but for ``advance``.
    """

    def __init__(self, thread: LoopThread, backend: Backend, apps: Apps, outside: Outside) -> None:
        self._thread = thread
        self._backend = backend
        self._apps = apps
        self._outside = outside
        self._mocks = Mocks()
        self.reset()

    def reset(self) -> None:
        """Begin anew: nothing is stored, no app attached, nothing mocked; the clock shows the present."""
        self.close()
        self._registered: dict[str, bytes] = {}
        self._pauses = timedelta(0)  # before apps that were killed are called again
        self._environment = self._thread.wait(self._backend.reset())
        self._settings = Settings(PUBLIC_URL, self._environment.key)
        self.client = ApiClient(self._settings, InProcessApi(self._apps, self._send), patience_s=0)
        """The API, with the secret key of the test's environment."""

    def close(self) -> None:
        """Give apps and integrations back what they had."""
        self._apps.reset()
        self._outside.reset()
        self._mocks.undo()

    # What is there

    @property
    def api_key(self) -> str:
        """The secret key of the test's environment."""
        return self._environment.key

    @property
    def api_url(self) -> str:
        """The API's address, good within attached apps and for ``request`` only."""
        return PUBLIC_URL

    @property
    def database_url(self) -> str:
        """The database, as a superuser: an app may have tables of its own there, or look at the views."""
        return self._backend.database_url

    @property
    def executions(self) -> list[Execution]:
        """Every time that a job was called, in order."""
        return self._apps.executions

    @property
    def calls(self) -> list[Call]:
        """Every request to the API, in order."""
        return self._apps.calls

    @property
    def runs(self) -> list[TestRun]:
        """All runs but internal ones, oldest first."""
        rows = self._rows("select id from perdure_views.runs where not internal order by id", [])
        return [self._run(row["id"]) for row in rows]

    @property
    def now(self) -> datetime:
        """What the platform takes for the present."""
        return self._thread.wait(self._backend.now())

    # Apps and what is outside

    async def attach(self, app: Perdure, *, sources: bool = False) -> None:
        """Have an app take part; ``start`` does it by itself. Its settings are given back after the test.

        Another app of the same id takes its place, so a test can deploy new code under a running run.

        Args:
            sources: register its sources and webhooks, too, which calls their providers.
        """
        if not self._apps.is_attached(app):
            self._apps.attach(app, self._settings, self._send, self.database_url)
        self._mocks.take_part(app)
        manifest = app.manifest()
        if not sources:
            manifest = manifest.model_copy(update={"sources": [], "webhooks": []})
        text = manifest.to_wire_bytes()
        if self._registered.get(app.id) != text:
            self._registered[app.id] = text
            await self._thread.do(self._backend.register(self._environment.id, app.id, url_of(app), text))

    def outside(self, handler: OutsideHandler | None) -> None:
        """Answer what the platform itself sends to others, such as background fetches.

        Args:
            handler: given the httpx.Request, returns an httpx.Response, or awaits it; what it raises counts
                as a lost connection. None: nobody answers.
        """
        self._outside.handler = handler

    def mock(
        self,
        integration: Integration[Any, Any] | str,
        method: str,
        *,
        returns: Any = None,
        raises: BaseException | None = None,
        side_effect: Callable[..., Any] | Iterable[Any] | None = None,
    ) -> Mock:
        """Have a method of an integration do something else than call its service; its tasks stay real.

        Args:
            integration: it, or its name: ``"github"``.
            method: such as ``"create_issue"``.
            returns: the result, also as plain data.
            raises: raised by each try.
            side_effect: called with the method's arguments, or a list with a result or an error for each try.
        Returns: the mock, whose ``calls`` tell how it was called.
        """
        mock = Mock(returns, raises, side_effect)
        self._mocks.add_method(integration, method, mock)
        return mock

    def mock_task(
        self,
        key: str,
        *,
        returns: Any = None,
        raises: BaseException | None = None,
        side_effect: Callable[..., Any] | Iterable[Any] | None = None,
    ) -> Mock:
        """The same for a task of the job's own, by its key; ``side_effect`` gets no arguments."""
        mock = Mock(returns, raises, side_effect)
        self._mocks.add_task(key, mock)
        return mock

    # Starting runs

    async def start(
        self,
        job: AnyJob,
        payload: Any = None,
        *,
        context: Any = None,
        account_id: str | None = None,
        settle: bool = True,
    ) -> TestRun:
        """Start a run of a job: by the event that it runs for, else by invoking it.

        Args:
            payload: plain data, or a pydantic model or dataclass.
            context: for the job's ``ctx`` and for filters; as the payload.
            account_id: the end user whom it is about.
            settle: also execute it as far as it gets at once.
        Raises:
            AssertionError: the event did not start it: a filter does not let it through.
        """
        await self.attach(job.app)
        if isinstance(job.on, EventTrigger):
            name, source = job.event()
            runs = await self.send_event(
                name, payload, source=source, context=context, account_id=account_id, settle=False
            )
            run = next((run for run in runs if self._job_of(run) == job.id), None)
            if run is None:
                raise AssertionError(
                    f"event {name!r} started no run of job {job.id!r}: does its filter let the payload "
                    f"{payload!r} through, and is it enabled?"
                )
        else:
            body = InvokeJobBody(
                payload=plain_json(payload, "the job's payload"),
                context=plain_json(context, "the job's context"),
                options=InvokeOptions(account_id=account_id),
            )
            answer = await self.client.invoke_job(job.id, body, idempotency_key=uuid4().hex)
            run = self._run(answer.id)
        if settle:
            await self.settle()
        return run

    async def send_event(
        self,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,
        context: Any = None,
        source: str | None = None,
        account_id: str | None = None,
        settle: bool = True,
    ) -> list[TestRun]:
        """Send an event; returns the runs that it started, of jobs of attached apps.

        The arguments are as those of ``Perdure.send_event`` and ``start``.
        """
        event = make_event(name, payload, id=id or uuid4().hex, context=context, source=source)
        options = SendEventOptions(account_id=account_id) if account_id is not None else None
        stored = await self.client.send_event(SendEventBody(event=event, options=options))
        if settle:
            await self.settle()
        return [self._run(run.id) for run in (await self.client.get_event(stored.id)).runs]

    # Requests from outside

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> HttpResponse:
        """A request to the API as anybody outside may send it, such as a webhook's; then ``settle``.

        Args:
            path: with its query; or a whole URL of the API.
        """
        url = path if path.startswith("http") else PUBLIC_URL + path
        with self._apps.hosting():
            answer = await self._send(method, url, headers or {}, body)
        await self.settle()
        return answer

    async def post(self, url: str, payload: Any = None) -> None:
        """POST JSON to a URL that a job told somebody, such as that of ``io.wait_for_request``.

        Raises:
            AssertionError: it was refused.
        """
        headers = {"content-type": names.JSON_TYPE}
        answer = await self.request(
            "POST", url, headers=headers, body=to_json_text(payload, "what is posted")
        )
        if answer.status != 200:
            raise AssertionError(
                f"POST {url} answered {answer.status}: {answer.body.decode(errors='replace')}"
            )

    # Time

    async def settle(self) -> None:
        """Do all that can be done at the present time."""
        await self._settle()

    async def advance(
        self,
        by: timedelta = timedelta(0),
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Skip time, and do what becomes due on the way, each thing at its own instant.

        Waits, retries, schedules and timeouts take place as if that time had passed.
        """
        left = by + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if left < timedelta(0):
            raise ValueError(f"time goes forward only, not by {left}")
        target = self.now + left - self._pauses
        while (due_ms := await self._settle()) is not None:
            step = timedelta(milliseconds=max(due_ms, 1))
            if self.now + step > target + self._pauses:
                break
            await self._thread.do(self._backend.advance(step))
        await self._thread.do(self._backend.advance(max(target + self._pauses - self.now, timedelta(0))))
        await self._settle()

    async def skip_to_next(self) -> bool:
        """Skip time until the next thing is due, and do it. False: nothing is."""
        due_ms = await self._settle()
        if due_ms is None:
            return False
        await self._thread.do(self._backend.advance(timedelta(milliseconds=max(due_ms, 1))))
        await self._settle()
        return True

    # Faults

    def inject(self, faults: Faults) -> None:
        """Have something go wrong between the apps and the platform."""
        self._apps.faults.append(faults)

    async def release(self) -> None:
        """End what is left of executions that were killed."""
        with self._apps.hosting():
            await self._apps.release()

    async def _settle(self) -> int | None:
        with self._apps.hosting():
            due_ms = await self._thread.do(self._backend.settle())
            if self._apps.stuck:
                raise ExecutionStuck(self._run(self._apps.stuck.pop().run_id).describe())
            while self._retries_are_due():
                # An app that was killed is called again after a pause, which no test is about.
                pause = timedelta(milliseconds=max(due_ms or 0, 1))
                self._pauses += pause
                await self._thread.do(self._backend.advance(pause))
                due_ms = await self._thread.do(self._backend.settle())
        return due_ms

    def _retries_are_due(self) -> bool:
        return bool(
            self._rows(
                "select 1 from perdure.runs where due_at is not null and failure_count > 0 limit 1", []
            )
        )

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> HttpResponse:
        return await self._thread.do(self._backend.request(method, url, headers, body))

    def _rows(self, query: str, parameters: Any) -> list[dict[str, Any]]:
        return self._thread.wait(self._backend.rows(query, parameters))

    def _run(self, run_id: str) -> TestRun:
        return TestRun(self, run_id, self._rows)

    def _job_of(self, run: TestRun) -> str:
        (row,) = self._rows("select job from perdure_views.runs where id = %s", [run.id])
        job: str = row["job"]
        return job
