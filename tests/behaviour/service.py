"""Another service, which the platform calls for runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.http_server import serve


@contextmanager
def running_service() -> Iterator[str]:
    """Serve it; gives its URL."""
    counts: Counter[str] = Counter()

    async def echo(request: Request) -> Response:
        body = await request.body()
        return JSONResponse({"method": request.method, "body": await request.json() if body else None})

    async def flaky(request: Request) -> Response:
        counts[request.url.path] += 1
        good = counts[request.url.path] >= 3
        return JSONResponse("third time" if good else "not yet", status_code=200 if good else 503)

    async def poll(request: Request) -> Response:
        counts[request.url.path] += 1
        return JSONResponse({"state": "done" if counts[request.url.path] >= 3 else "working"})

    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/flaky/{id}", flaky),
        Route("/poll/{id}", poll),
    ]
    with serve(Starlette(routes=routes)) as url:
        yield url
