"""The same for tests that are not async."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from perdure.app import Perdure
from perdure.job import AnyJob
from perdure.threads import run_blocking
from perdure.wire.http import HttpResponse
from perdure_integrations import Integration
from perdure_testing.loop_thread import LoopThread
from perdure_testing.mocks import Mock
from perdure_testing.outside import OutsideHandler
from perdure_testing.platform import Platform
from perdure_testing.runs import RunView, TestRun
from perdure_testing.traffic import Call, Execution

T = TypeVar("T")

Make = Callable[[], Coroutine[Any, Any, Any]]


class SyncTestRun(RunView):
    """A run, and what a test does with it; see TestRun."""

    def __init__(self, platform: SyncPlatform, run: TestRun) -> None:
        super().__init__(run._platform, run.id, run._rows)
        self._sync = platform
        self._run = run

    def advance(
        self,
        by: timedelta = timedelta(0),
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Skip time; see ``Platform.advance``."""
        self._sync.advance(by, days=days, hours=hours, minutes=minutes, seconds=seconds)

    def finish(self) -> None:
        """Skip time until the run has ended."""
        self._sync.call(self._run.finish)

    def post(self, key: str, payload: Any = None) -> None:
        """POST JSON to the URL that a task waits at."""
        self._sync.call(lambda: self._run.post(key, payload))

    def cancel(self) -> None:
        """Cancel it."""
        self._sync.call(self._run.cancel)


class SyncPlatform:
    """A Platform whose methods block; what each does is described there.

    Plain jobs run in the thread of the test, so that what is bound to it is there: a Django connection, a
    Flask context. Only while an app is killed on purpose they have threads of their own, which can be left.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._call: Callable[[Make], Any] = run_blocking

    def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Have a coroutine run, such as one of ``platform``'s methods."""
        result: T = self._call(make)
        return result

    @contextmanager
    def own_thread(self) -> Iterator[None]:
        """Have jobs run in other threads than this one meanwhile."""
        thread = LoopThread()
        self._call = lambda make: thread.wait(make())
        try:
            yield
        finally:
            self._call = run_blocking
            thread.stop()

    @property
    def api_key(self) -> str:
        """The secret key of the test's environment."""
        return self.platform.api_key

    @property
    def database_url(self) -> str:
        """The database, as a superuser."""
        return self.platform.database_url

    @property
    def executions(self) -> list[Execution]:
        """Every time that a job was called, in order."""
        return self.platform.executions

    @property
    def calls(self) -> list[Call]:
        """Every request to the API, in order."""
        return self.platform.calls

    @property
    def runs(self) -> list[SyncTestRun]:
        """All runs but internal ones, oldest first."""
        return [SyncTestRun(self, run) for run in self.platform.runs]

    def attach(self, app: Perdure, *, sources: bool = False) -> None:
        """Have an app take part."""
        self.call(lambda: self.platform.attach(app, sources=sources))

    def outside(self, handler: OutsideHandler | None) -> None:
        """Answer what the platform itself sends to others."""
        self.platform.outside(handler)

    def mock(self, integration: Integration[Any, Any] | str, method: str, **behaviour: Any) -> Mock:
        """Have a method of an integration do something else than call its service."""
        return self.platform.mock(integration, method, **behaviour)

    def mock_task(self, key: str, **behaviour: Any) -> Mock:
        """The same for a task of the job's own, by its key."""
        return self.platform.mock_task(key, **behaviour)

    def start(self, job: AnyJob, payload: Any = None, **options: Any) -> SyncTestRun:
        """Start a run of a job."""
        return SyncTestRun(self, self.call(lambda: self.platform.start(job, payload, **options)))

    def send_event(self, name: str, payload: Any = None, **options: Any) -> list[SyncTestRun]:
        """Send an event; returns the runs that it started."""
        runs = self.call(lambda: self.platform.send_event(name, payload, **options))
        return [SyncTestRun(self, run) for run in runs]

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> HttpResponse:
        """A request to the API as anybody outside may send it."""
        return self.call(lambda: self.platform.request(method, path, headers=headers, body=body))

    def post(self, url: str, payload: Any = None) -> None:
        """POST JSON to a URL that a job told somebody."""
        self.call(lambda: self.platform.post(url, payload))

    def settle(self) -> None:
        """Do all that can be done at the present time."""
        self.call(self.platform.settle)

    def advance(
        self,
        by: timedelta = timedelta(0),
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Skip time."""
        self.call(lambda: self.platform.advance(by, days=days, hours=hours, minutes=minutes, seconds=seconds))
