"""What every fake has: recorded calls, faults, control routes, and a server in a thread."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.fakes.calls import Call, CallLog, decode_body
from tests.support.fakes.faults import Fault, Faults

CONTROL_PREFIX = "/_"


class FakeService(ABC):
    """A service as an ASGI app (``app``), to be used as a context manager that serves it on a free port.

    Control routes, for tests that run it as a process of its own; they are not recorded:
    ``GET /_calls`` the calls so far, ``DELETE /_calls`` forget them, ``POST /_faults`` the fields of
    :class:`Fault`, ``POST /_release`` let held calls go on and drop pending faults.
    """

    def __init__(self) -> None:
        self.calls = CallLog()
        self.faults = Faults()
        self.url = "http://127.0.0.1"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The routes of the service itself."""

    def build_app(self) -> Starlette:
        """The service and its control routes, without recording and faults."""
        return Starlette(routes=[*self.routes(), *self._control_routes()])

    @cached_property
    def app(self) -> ASGIApp:
        """The whole fake."""
        return _RecordingApp(self.build_app(), self)

    def serve(self, port: int = 0) -> Self:
        """Start serving on 127.0.0.1 in a thread; ``port`` 0 takes a free one. Sets ``url``.

        The socket listens before this returns, so a call made at once waits instead of being refused.
        """
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = uvicorn.Server(_server_config(self.app))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name=type(self).__name__)
        self._thread.daemon = True
        self._thread.start()
        return self

    def close(self, *, wait: bool = True) -> None:
        """Stop serving; held calls are let go first. Without ``wait`` the server ends a moment later."""
        self.faults.release_all()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            if wait:
                self._thread.join(timeout=10)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.serve()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(wait=False)  # a test need not wait for the server's last tick

    def _control_routes(self) -> list[BaseRoute]:
        return [
            Route("/_calls", self._list_calls, methods=["GET"]),
            Route("/_calls", self._clear_calls, methods=["DELETE"]),
            Route("/_faults", self._add_fault, methods=["POST"]),
            Route("/_release", self._release, methods=["POST"]),
        ]

    async def _list_calls(self, request: Request) -> Response:
        return JSONResponse([call.as_json() for call in self.calls])

    async def _clear_calls(self, request: Request) -> Response:
        self.calls.clear()
        return JSONResponse({})

    async def _add_fault(self, request: Request) -> Response:
        self.faults.add(Fault(**await request.json()))
        return JSONResponse({})

    async def _release(self, request: Request) -> Response:
        self.faults.release_all()
        return JSONResponse({})


class _RecordingApp:
    """Notes each call and applies the fault that is lined up for it, then lets the service answer."""

    def __init__(self, inner: ASGIApp, service: FakeService) -> None:
        self._inner = inner
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._inner(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        call = Call(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers=dict(request.headers),
            body=decode_body(request.headers.get("content-type", ""), body),
        )
        self._service.calls.add(call)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._service.calls.answered(call, message["status"])
            await send(message)

        fault = self._service.faults.take(call.method, call.path)
        answer = None if fault is None else await self._answer(fault)
        if fault is not None and fault.broken_after:
            await self._inner(scope, _replay(body), _discard)
        if answer is None:
            await self._inner(scope, _replay(body), send_and_note)
        else:
            await answer(scope, receive, send_and_note)

    async def _answer(self, fault: Fault) -> ASGIApp | None:
        await fault.wait_until_released()
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.broken or fault.broken_after:
            return _break_connection
        if fault.status is None:
            return None
        if isinstance(fault.body, str):
            return Response(fault.body, fault.status, fault.headers, media_type="text/html")
        content = json.dumps(fault.body if fault.body is not None else {})
        return Response(
            content, fault.status, {"content-type": "application/json; charset=utf-8", **fault.headers}
        )


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _discard(message: Message) -> None:
    """The answer that nobody gets."""


async def _break_connection(scope: Scope, receive: Receive, send: Send) -> None:
    # A longer length announced than sent: the server has no choice but to close the connection in mid-answer.
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"', "more_body": True})


def _server_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


def run_standalone(service: FakeService, arguments: argparse.Namespace) -> None:
    """Serve in this process until it is told to stop; prints the URL on stdout once it listens."""
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=128)
    service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(service.url, flush=True)
    uvicorn.Server(_server_config(service.app)).run(sockets=[listener])


def standalone_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the one flag that every fake has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one (default)")
    return parser


def json_body(body: bytes) -> Any:
    """The JSON in ``body``; None when it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
