"""An app that answers batches of executions as a test says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.http_server import read_body


class Request:
    """A request that the app got, and how it is answered."""

    def __init__(self, scope: dict[str, Any], body: bytes, receive: Any, send: Any) -> None:
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.action = self.headers["x-trigger-action"]
        self.body = body
        self.lines = body.splitlines()
        self.scope = scope
        self.was_cut = False
        self.receive = receive
        self._send = send

    async def begin(self, status: int = 200, **headers: str) -> None:
        named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": named})

    async def say(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, *indexes: int, ms: int = 1, more: bool = True) -> None:
        """The answers of these executions, which echo their bodies."""
        for index in indexes:
            await self.say(lines(index, self.lines[index], ms=ms))
        if not more:
            await self.say(b"", more=False)

    async def wait_until_cut(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.was_cut = True


Script = Callable[[Request], Awaitable[None]]


def lines(index: int, body: bytes, *, ms: int = 1, **changes: Any) -> bytes:
    head = {"index": index, "status": 200, "ms": ms, "took": ms, **changes}
    head.setdefault("headers", {"x-trigger-run-metadata": "{}"})
    return json.dumps(head).encode() + b"\n" + body + b"\n"


class App:
    """Echoes single requests, and says that it takes batches; those it answers as ``script`` says."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.most = "20"
        self.script: Script = self.echo

    async def echo(self, request: Request) -> None:
        await request.begin()
        await request.answer(*range(len(request.lines)), more=False)

    def count(self, action: str) -> int:
        return sum(request.action == action for request in self.requests)

    def sizes(self) -> list[int]:
        """How many executions each request had so far; forgets them."""
        sizes = [len(request.lines) if request.action == "EXECUTE_JOBS" else 1 for request in self.requests]
        self.requests.clear()
        return sizes

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        request = Request(scope, body, receive, send)
        self.requests.append(request)
        if request.action == "EXECUTE_JOBS":
            await self.script(request)
        else:
            await request.begin(perdure_batch=self.most)
            await request.say(body, more=False)
