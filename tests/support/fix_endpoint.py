"""Fixture: an endpoint that answers what the test says, over real HTTP."""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.http_server import read_body, reset_connection, serve
from tests.support.waiting import DEADLINE_S, eventually, eventually_async

VERSION_HEADERS = {"trigger-version": "2023-09-29", "perdure-sdk-version": "0.1.0"}


@dataclass(frozen=True, slots=True)
class Received:
    """A request that the endpoint got."""

    action: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint does with a request; made by the class methods."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    kind: str = "send"
    gate: threading.Event | None = None

    @classmethod
    def json(cls, value: Any, *, status: int = 200, **headers: str) -> "Answer":
        """JSON with an SDK's headers."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status,
            {"content-type": "application/json", **VERSION_HEADERS, **named},
            json.dumps(value).encode(),
        )

    @classmethod
    def html(cls, text: str = "<html><body>Bad gateway</body></html>", *, status: int = 200) -> "Answer":
        """What a proxy or a login page in front of the app would say."""
        return cls(status, {"content-type": "text/html"}, text.encode())

    @classmethod
    def hang(cls) -> "Answer":
        """Never answer; ends when the client gives up."""
        return cls(kind="hang")

    @classmethod
    def reset(cls) -> "Answer":
        """Break the connection instead of answering."""
        return cls(kind="reset")

    @classmethod
    def slow(cls, value: Any, gate: threading.Event) -> "Answer":
        """JSON, but not before the test sets ``gate``."""
        answer = cls.json(value)
        return cls(answer.status, answer.headers, answer.body, gate=gate)


class ScriptedEndpoint:
    """An ASGI app with an answer for each request, by the action in its headers.

    Answers given with ``then`` are used once each, in order; after them, and without them, ``default``
    counts. An action without either gets a 500. ``received`` has every request, in order.
    """

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        self._next: dict[str, deque[Answer]] = defaultdict(deque)
        self._default: dict[str, Answer | Callable[[Received], Answer]] = {}

    def default(self, action: str, answer: Answer | Callable[[Received], Answer]) -> None:
        """Answer every request of ``action`` like this, or as the function says."""
        self._default[action] = answer

    def then(self, action: str, *answers: Answer) -> None:
        """Answer the next requests of ``action`` with these, one each."""
        self._next[action].extend(answers)

    def requests(self, action: str = "EXECUTE_JOB") -> list[Received]:
        """The requests of one action."""
        return [request for request in self.received if request.action == action]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        action = headers.get("x-trigger-action", "")
        request = Received(action, scope["method"], scope["path"], headers, body)
        self.received.append(request)
        await self._answer(self._choose(request), scope, receive, send)

    def _choose(self, request: Received) -> Answer:
        if self._next[request.action]:
            return self._next[request.action].popleft()
        answer = self._default.get(
            request.action, Answer.json({"message": "no answer was scripted"}, status=500)
        )
        return answer(request) if callable(answer) else answer

    async def _answer(self, answer: Answer, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if answer.kind == "reset":
            reset_connection(scope)
            return
        if answer.kind == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if answer.gate is not None:
            await eventually_async(answer.gate.is_set, what="the gate of a slow answer")
        length = (b"content-length", str(len(answer.body)).encode())
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": answer.body})

    def wait_for(
        self, count: int, action: str = "EXECUTE_JOB", *, timeout_s: float = DEADLINE_S
    ) -> list[Received]:
        """Wait until that many requests of an action have come, and return them."""
        eventually(
            lambda: len(self.requests(action)) >= count,
            timeout_s=timeout_s,
            what=f"{count} requests of {action}",
        )
        return self.requests(action)


@pytest.fixture
def scripted_endpoint() -> Iterator[ScriptedEndpoint]:
    """An endpoint that is up; its ``url`` is complete."""
    endpoint = ScriptedEndpoint()
    with serve(endpoint) as url:
        endpoint.url = f"{url}/api/trigger"
        yield endpoint
