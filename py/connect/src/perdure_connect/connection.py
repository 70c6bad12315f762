"""Connected mode: the app holds a WebSocket, over which its executions come and its calls go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from perdure.endpoint import EndpointAnswer
from perdure.errors import ConnectionRefused, MissingSetting
from perdure.transport import backoff_s
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage
from perdure.wire.headers import VERSION, Action
from perdure.wire.http import ConnectionFailed, HttpResponse, HttpTransport, RequestTimedOut, ResponseTooLarge
from perdure_connect.frames import (
    ANSWER,
    CALL,
    CONNECT_PATH,
    DROP,
    HELLO,
    REFUSED,
    REQUEST,
    RESPONSE,
    SLOTS,
    STORED,
    WELCOME,
    Frame,
    FrameSender,
    pack,
    unpack,
)

if TYPE_CHECKING:
    from perdure import Perdure
    from perdure.execution import Execution, Work

_log = logging.getLogger("perdure.connection")

_WELCOME_WITHIN_S = 30.0
_STORED_WITHIN_S = 5.0
_QUIET_ATTEMPTS = 5
_OWN_HEADERS = frozenset({names.AUTHORIZATION, "user-agent", "accept", names.PYTHON_SDK_VERSION})
"""Of every call; the server knows them of the connection."""


class Connection:
    """Runs an app's executions over a connection to the server, so that the app needs no URL.

    ``await app.connection().run()`` in a worker, or ``async with app.connection():`` in a web app's lifespan.
    A lost connection is made again; what is under way meanwhile goes on, and nothing that was done is lost.

    Args:
        slots: most executions at the same time.
        drain_s: seconds that executions under way may take when the connection is stopped.
    """

    def __init__(self, app: Perdure, *, slots: int, drain_s: float) -> None:
        self._app = app
        self._slots = slots
        self._drain_s = drain_s
        self._calls = CallsOverConnection(app.api.http)
        self._loop: asyncio.AbstractEventLoop
        self._under_way: dict[str, asyncio.Task[Any]] = {}
        self._unstored: dict[str, Frame] = {}
        self._line: Line | None = None
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        self._connected = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._attempt = 0

    async def run(self) -> None:
        """Serve until ``stop`` is called; then let the executions under way end, and close.

        Raises:
            ConnectionRefused: the server will not have this app: its key or what it declares is wrong.
        """
        self._loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(self._stopping.wait())
        self._app.api.http = self._calls
        connecting = asyncio.create_task(self._keep_connected())
        try:
            await asyncio.wait([stopping, connecting], return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                await self._drain()
        finally:
            self._app.api.http = self._calls.direct
            left = [stopping, connecting, *self._under_way.values()]
            self._under_way.clear()
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        if not connecting.cancelled():
            connecting.result()

    async def connected(self) -> None:
        """Wait until it has been connected for the first time."""
        await self._connected.wait()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._line is not None

    def stop(self) -> None:
        """Take nothing more; ``run`` returns when what is under way has ended, or the drain time is over."""
        self._stopping.set()
        if self._line is not None:
            self._line.put(Frame({"kind": SLOTS, "slots": 0}))

    async def __aenter__(self) -> Self:
        """Connect in the background; returns when connected.

        Raises:
            ConnectionRefused: as ``run``.
        """
        self._running = asyncio.create_task(self.run())
        connected = asyncio.create_task(self.connected())
        await asyncio.wait([self._running, connected], return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        if self._running.done():
            self._running.result()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for it."""
        self.stop()
        if self._running is not None:
            await self._running

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                while self._under_way:  # also what was on its way when the server was told to stop
                    await asyncio.wait(set(self._under_way.values()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STORED_WITHIN_S):
                while self._unstored:
                    self._settled.clear()
                    await self._settled.wait()

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._connect()
            except (ConnectionRefused, MissingSetting):
                raise
            except InvalidStatus as error:
                if error.response.status_code == 404:
                    raise ConnectionRefused("the server's release has no connected mode") from error
                self._complain(str(error))
            except (OSError, TimeoutError, WebSocketException, MalformedMessage) as error:
                self._complain(str(error) or type(error).__name__)
            await asyncio.sleep(backoff_s(self._attempt))
            self._attempt += 1

    def _complain(self, reason: str) -> None:
        """A server that starts together with the app may take a moment."""
        if self._connected.is_set() or self._attempt >= _QUIET_ATTEMPTS:
            _log.warning("not connected: %s", reason)

    async def _connect(self) -> None:
        settings = self._app.settings
        url = urlsplit(settings.api_url)
        scheme = "wss" if url.scheme == "https" else "ws"
        async with connect(
            url._replace(scheme=scheme, path=url.path + CONNECT_PATH).geturl(),
            additional_headers={names.AUTHORIZATION: f"Bearer {settings.api_key}"},
            user_agent_header=f"perdure-python/{VERSION}",
            compression=None,
            max_size=None,
        ) as socket:
            await self._say_hello(socket)
            line = Line(socket)
            for frame in self._unstored.values():
                line.put(frame)
            if self._stopping.is_set():
                line.put(Frame({"kind": SLOTS, "slots": 0}))
            sending = asyncio.create_task(line.run())
            self._line = self._calls.line = line
            self._connected.set()
            self._attempt = 0
            _log.info("connected app=%s slots=%d", self._app.id, self._slots)
            try:
                async for message in socket:
                    for frame in unpack(message):
                        self._take(frame)
            finally:
                self._line = self._calls.line = None
                sending.cancel()
                line.close()

    async def _say_hello(self, socket: ClientConnection) -> None:
        head = {
            "kind": HELLO,
            "app": self._app.id,
            "slots": self._slots,
            "holding": list(self._under_way),
            "sdk": {"name": "perdure", "version": VERSION},
        }
        await socket.send(pack([Frame(head, self._app.manifest().to_wire_bytes())]))
        async with asyncio.timeout(_WELCOME_WITHIN_S):
            (answer,) = unpack(await socket.recv())
        if answer.head["kind"] == REFUSED:
            raise ConnectionRefused(f"the server refused the connection: {answer.head.get('error')}")
        if answer.head["kind"] != WELCOME:
            raise MalformedMessage(f"the server answered {answer.head['kind']!r} to the hello")

    def _take(self, frame: Frame) -> None:
        head = frame.head
        kind = head["kind"]
        if kind == REQUEST:
            id = head["id"]
            if id not in self._under_way and id not in self._unstored:
                if head["action"] == Action.EXECUTE_JOB:
                    self._execute(id, head, frame.body)
                else:
                    self._under_way[id] = self._loop.create_task(self._serve(id, head, frame.body))
        elif kind == RESPONSE:
            self._calls.answer(head, frame.body)
        elif kind == STORED:
            for id in head["ids"]:
                self._unstored.pop(id, None)
            self._settled.set()
        elif kind == DROP and (task := self._under_way.pop(head["id"], None)) is not None:
            task.cancel()

    def _execute(self, id: str, head: Mapping[str, Any], body: bytes) -> None:
        """Begin an execution, in no more tasks than the job's own, unless it takes more to conclude."""
        began_at = time.monotonic()
        execution = self._app.endpoint.prepare(head.get("headers") or {}, body)
        if isinstance(execution, EndpointAnswer):
            self._send_answer(id, execution, began_at)
            return

        def ended(work: Work) -> None:
            if self._under_way.get(id) is not work:  # it was dropped
                return
            reply = execution.reply_at_once(work)
            if reply is None:
                concluding = self._conclude(id, execution, work, began_at)
                self._under_way[id] = self._loop.create_task(concluding)
            else:
                self._send_answer(id, self._app.endpoint.answer(execution, reply), began_at)

        work = self._under_way[id] = execution.begin()
        work.add_done_callback(ended)

    async def _conclude(self, id: str, execution: Execution, work: Work, began_at: float) -> None:
        endpoint = self._app.endpoint
        try:
            answer = endpoint.answer(execution, await execution.conclude(work))
        except Exception as error:
            answer = endpoint.failed(Action.EXECUTE_JOB, error)
        self._send_answer(id, answer, began_at)

    async def _serve(self, id: str, head: Mapping[str, Any], body: bytes) -> None:
        began_at = time.monotonic()
        try:
            answer = await self._app.endpoint.act(Action(head["action"]), head.get("headers") or {}, body)
        finally:
            self._under_way.pop(id, None)
        self._send_answer(id, answer, began_at)

    def _send_answer(self, id: str, answer: EndpointAnswer, began_at: float) -> None:
        self._under_way.pop(id, None)
        ms = round((time.monotonic() - began_at) * 1000)
        told: dict[str, Any] = {"kind": ANSWER, "id": id, "status": answer.status, "ms": ms}
        if answer.headers:
            told["headers"] = answer.headers
        frame = self._unstored[id] = Frame(told, answer.body)
        if self._line is not None:
            self._line.put(frame)


class Line(FrameSender):
    """The way out of one connection, and the calls that wait for an answer over it."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket.send)
        self.loop = asyncio.get_running_loop()
        self.answers: dict[int, asyncio.Future[HttpResponse]] = {}

    def close(self) -> None:
        """Let nobody wait for an answer that cannot come any more."""
        for future in self.answers.values():
            if not future.done():
                future.set_exception(ConnectionFailed("the connection to the server was lost"))


class CallsOverConnection:
    """Sends calls of the API over the connection; while there is none, and from other threads, as requests.

    Args:
        direct: sends requests.
    """

    is_gathering = True
    """What is sent at the same time is one message."""

    def __init__(self, direct: HttpTransport) -> None:
        self.direct = direct
        self.line: Line | None = None
        self._numbers = itertools.count()

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
        """Send one call; as HttpClient.request."""
        line = self.line
        if line is None or asyncio.get_running_loop() is not line.loop:
            return await self.direct.request(
                method, url, headers, body, timeout_s=timeout_s, max_response_bytes=max_response_bytes
            )
        number = next(self._numbers)
        path = url[url.index("/", url.index("://") + 3) :]
        told = {name: value for name, value in headers.items() if name not in _OWN_HEADERS}
        future: asyncio.Future[HttpResponse] = line.loop.create_future()
        line.answers[number] = future
        head = {"kind": CALL, "id": number, "method": method, "path": path, "headers": told}
        line.put(Frame(head, body or b""))
        timer = line.loop.call_later(timeout_s, _give_up, future, path, timeout_s)
        try:
            response = await future
        finally:
            timer.cancel()
            line.answers.pop(number, None)
        if len(response.body) > max_response_bytes:
            raise ResponseTooLarge(f"{path} was answered with more than {max_response_bytes} bytes")
        return response

    def answer(self, head: Mapping[str, Any], body: bytes) -> None:
        """The server answered a call."""
        if self.line is not None and (future := self.line.answers.get(head["id"])) and not future.done():
            future.set_result(HttpResponse(head["status"], head["headers"], body))

    async def close(self) -> None:
        """Close what is not the connection's."""
        await self.direct.close()


def _give_up(future: asyncio.Future[HttpResponse], path: str, timeout_s: float) -> None:
    if not future.done():
        future.set_exception(RequestTimedOut(f"{path} was not answered within {timeout_s:g} s"))
