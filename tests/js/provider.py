"""A third party's API as a real HTTP server: what the platform fetches, and a provider of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.support.http_server import serve


@dataclass(frozen=True)
class Received:
    """A request that came in; the query is part of the path."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes
    at: float


@dataclass
class Provider:
    """What came in, in order, and the address where it comes in."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def received(self, path: str) -> list[Received]:
        """The requests to a path, whatever their query."""
        with self._lock:
            return [request for request in self.requests if request.path.partition("?")[0] == path]

    def hooks(self, topic: str) -> list[Received]:
        """What apps have registered for a topic."""
        return [request for request in self.received("/hooks") if request.body["topic"] == topic]

    def callback(self, task_id: str) -> str:
        """The URL by which a task is completed, as the app has told it."""
        urls = [str(request.body["url"]) for request in self.received("/callbacks")]
        return next(url for url in urls if task_id in url)

    def deliver(
        self, hook: dict[str, Any], event: dict[str, Any], delivery: str, *, secret: str | None = None
    ) -> httpx.Response:
        """Send an event to a registered hook, signed with its secret or with another."""
        body = json.dumps(event).encode()
        signature = hmac.new((secret or hook["secret"]).encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-signature": signature, "x-delivery": delivery}
        return httpx.post(hook["url"], content=body, headers=headers, trust_env=False)

    async def answer(self, request: Request) -> Response:
        """Note a request, and answer by its path."""
        raw = await request.body()
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.url.path
        with self._lock:
            self._counts[path + query] += 1
            nth = self._counts[path + query]
            received = Received(
                request.method, path + query, dict(request.headers), _decoded(raw), raw, time.monotonic()
            )
            self.requests.append(received)
        return await _respond(path.split("/")[1], dict(request.query_params), nth)


async def _respond(kind: str, query: dict[str, str], nth: int) -> Response:
    """Answer the ``nth`` request of the same path and query."""
    match kind:
        case "text":
            return PlainTextResponse("only words")
        case "refused":
            return JSONResponse({"reason": "not for you"}, 403)
        case "broken":
            return PlainTextResponse("broken", int(query.get("status", "500")))
        case "flaky" if nth <= int(query["fails"]):
            return JSONResponse({"state": query.get("state", "down")}, int(query.get("status", "503")))
        case "limited" if nth == 1:
            return JSONResponse(
                {}, 429, {"x-limit": "10", "x-remaining": "0", "x-reset": _reset(query["format"])}
            )
        case "slow":
            await anyio.sleep(float(query["seconds"]))
        case "poll":
            return JSONResponse({"state": "done" if nth >= int(query["until"]) else "running", "nth": nth})
        case "hooks":
            return JSONResponse({"id": f"hook-{nth}"})
        case _:
            pass
    return JSONResponse({"nth": nth, **query})


def _reset(form: str) -> str:
    """An instant about 1.5 s from now, as a provider writes it."""
    at = time.time() + 1.5
    match form:
        case "unix_timestamp":
            return str(int(at) + 1)
        case "unix_timestamp_in_ms":
            return str(int(at * 1000))
        case "iso_8601":
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + 1)) + ".000Z"
        case _:
            return "1.5s"


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


@contextmanager
def running_provider() -> Iterator[Provider]:
    """The provider, listening."""
    provider = Provider()
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", provider.answer, methods=every)])
    with serve(app) as provider.url:
        yield provider
