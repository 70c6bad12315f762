"""The apps of a test: the platform's requests reach them, and theirs the platform, without a network."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from perdure.app import Perdure
from perdure.client import ApiClient
from perdure.clock import present
from perdure.endpoint import EndpointAnswer
from perdure.settings import Settings
from perdure.wire import headers as names
from perdure.wire.headers import Action
from perdure.wire.http import ConnectionFailed, HttpResponse
from perdure_testing.traffic import Call, Execution, Fault, Faults, Moment, current_execution

T = TypeVar("T")

PUBLIC_URL = "http://perdure.test"
"""Where the API is, for those who are in this process."""

EXECUTION_LIMIT_S = 60.0
"""Longest time that an execution may take, by the wall's clock: no test is meant to wait for longer."""

_RELEASE_S = 5.0
_LEASE_LOST = HttpResponse(
    409,
    {"content-type": names.JSON_TYPE},
    b'{"error": "the test killed this execution; another one has the run", "code": "JQ005"}',
)


def url_of(app: Perdure) -> str:
    """Where the platform finds an app."""
    return f"http://apps.test/{quote(app.id, safe='')}"


SendToApi = Callable[[str, str, Mapping[str, str], bytes | None], Awaitable[HttpResponse]]
"""Sends a request to the API and brings the answer, in whatever loop it is called."""


@dataclass(frozen=True, slots=True)
class _Saved:
    """What an app had before it was attached."""

    settings: Settings
    api: ApiClient
    database: Any


class Apps:
    """Attached apps, and the traffic with them.

    A killed execution is left where it is, as it would be left by kill -9: nothing of it goes on that needs
    the platform, and no clean-up runs, until ``release``.

    Args:
        now: says what the platform takes for the present.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.host: asyncio.AbstractEventLoop | None = None
        """The loop in which apps answer: that of the test."""
        self._forget()

    def _forget(self) -> None:
        self._apps: dict[str, Perdure] = {}
        self._saved: dict[str, _Saved] = {}
        self._counts: Counter[str] = Counter()
        self._left: list[asyncio.Task[Any]] = []
        self.faults: list[Faults] = []
        self.executions: list[Execution] = []
        self.calls: list[Call] = []
        self.killed: list[Execution] = []
        self.stuck: list[Execution] = []
        """Those that took too long, and so were ended."""

    def attach(self, app: Perdure, settings: Settings, send: SendToApi, database_url: str) -> None:
        """Have an app speak with the platform of the test, in place of another one with its id."""
        self._detach(app.id)
        self._saved[app.id] = _Saved(app.settings, app.api, app.database)
        self._apps[app.id] = app
        app.settings = settings
        app.api = ApiClient(settings, InProcessApi(self, send), patience_s=0)
        if app.database is None:
            app.database = database_url

    def is_attached(self, app: Perdure) -> bool:
        """Whether it is this app that is attached under its id."""
        return self._apps.get(app.id) is app

    def reset(self) -> None:
        """Give the apps back what they had, and forget what happened."""
        for app_id in list(self._apps):
            self._detach(app_id)
        self._forget()

    def _detach(self, app_id: str) -> None:
        if app_id in self._apps:
            app, saved = self._apps.pop(app_id), self._saved.pop(app_id)
            app.settings, app.api, app.database = saved.settings, saved.api, saved.database

    # The platform's side

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
    ) -> HttpResponse:
        """Have an app answer, in the loop of the test; called in the platform's."""
        app = self._apps.get(unquote(urlsplit(url).path.strip("/")))
        if app is None:
            raise ConnectionFailed(f"{url}: no app of this name is attached")
        return await self.in_host(self._answer(app, method, headers, body or b""))

    @contextmanager
    def hosting(self) -> Iterator[None]:
        """Have apps answer in the loop that runs here, meanwhile."""
        before, self.host = self.host, asyncio.get_running_loop()
        try:
            yield
        finally:
            self.host = before

    async def in_host(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Have a coroutine run in the loop of the test, which waits for the platform meanwhile."""
        if self.host is None:
            coroutine.close()
            raise ConnectionFailed("no test is waiting for the platform")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.host))

    async def close(self) -> None:
        """Nothing is kept."""

    async def _answer(
        self, app: Perdure, method: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        if headers.get(names.ACTION) != Action.EXECUTE_JOB:
            return _as_response(await app.endpoint.handle(method, headers, body))
        run_id = json.loads(body)["run"]["id"]
        self._counts[run_id] += 1
        execution = Execution(run_id, self._counts[run_id])
        self.executions.append(execution)
        current_execution.set(execution)
        present.set(self._now)
        work = asyncio.create_task(app.endpoint.handle(method, headers, body))
        await self._end(execution, work)
        if execution.killed.done():
            self._left.append(work)
            raise ConnectionFailed("the test killed the app")
        answer = work.result()
        if answer.status == 200:
            execution.reply = json.loads(answer.body)
        return _as_response(answer)

    async def _end(self, execution: Execution, work: asyncio.Task[EndpointAnswer]) -> None:
        """Wait until an execution has ended or was killed.

        Raises:
            ConnectionFailed: it took too long.
        """
        killed = asyncio.wrap_future(execution.killed)
        either: list[asyncio.Future[Any]] = [work, killed]
        await asyncio.wait(either, timeout=EXECUTION_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and not killed.done():
            self.stuck.append(execution)
            work.cancel()
            await asyncio.wait([work], timeout=_RELEASE_S)
            raise ConnectionFailed(f"no answer within {EXECUTION_LIMIT_S:g} s")
        if not killed.done() and self.fault_at(Moment.BEFORE_REPLY, execution, None) is Fault.KILL:
            self.kill(execution)

    def fault_at(self, moment: Moment, execution: Execution, call: Call | None) -> Fault | None:
        """What goes wrong now; every kind of fault is asked, as some count."""
        found = [fault for faults in self.faults if (fault := faults.at(moment, execution, call)) is not None]
        return found[0] if found else None

    def kill(self, execution: Execution) -> None:
        """End an execution where it is."""
        self.killed.append(execution)
        execution.killed.set_result(None)

    async def release(self) -> None:
        """Let what is left of killed executions learn that the platform wants no more of them, and end."""
        for execution in self.killed:
            if not execution.released.done():
                execution.released.set_result(None)
        left, self._left = self._left, []
        if left:
            _, stuck = await asyncio.wait(left, timeout=_RELEASE_S)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def _as_response(answer: EndpointAnswer) -> HttpResponse:
    return HttpResponse(answer.status, answer.headers, answer.body)


class InProcessApi:
    """What an attached app sends its requests with: a HttpTransport."""

    wants_single_calls = True
    """Each is one execution's, which may be killed."""

    def __init__(self, apps: Apps, send: SendToApi) -> None:
        self._apps = apps
        self._send = send

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
    ) -> HttpResponse:
        """As HttpClient; from any loop. A killed execution gets no answer."""
        apps, execution = self._apps, current_execution.get()
        parts = urlsplit(url)
        call = Call(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body)
        if execution is None:
            apps.calls.append(call)
            with apps.hosting():
                return await self._send(method, url, headers, body)
        if await self._goes_wrong(Moment.BEFORE_CALL, execution, call):
            return _LEASE_LOST
        apps.calls.append(call)
        execution.calls.append(call)
        answer = await self._send(method, url, headers, body)
        if await self._goes_wrong(Moment.AFTER_CALL, execution, call):
            return _LEASE_LOST
        return answer

    async def close(self) -> None:
        """Nothing is kept."""

    async def _goes_wrong(self, moment: Moment, execution: Execution, call: Call) -> bool:
        """True, at last, when the execution is dead."""
        if not execution.killed.done():
            fault = self._apps.fault_at(moment, execution, call)
            if fault is Fault.LOSE_ANSWER:
                raise ConnectionFailed("the test lost the answer")
            if fault is None:
                return False
            self._apps.kill(execution)
        await asyncio.shield(asyncio.wrap_future(execution.released))
        return True
