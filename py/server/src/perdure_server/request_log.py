"""Request ids, the access log, and the last resort for exceptions: what surrounds every request."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure_server.errors import answer_error

REQUEST_ID = "x-request-id"
_GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}")

access_logger = logging.getLogger("perdure.server.access")


class RequestLog:
    """Gives every request an id, answers with it, and logs one line.

    The id is the client's ``x-request-id`` when that is a plain word.
    Exceptions that no handler knew become a 500 here, so that its log line and answer carry the id.
    """

    def __init__(self, app: ASGIApp, *, enabled: bool) -> None:
        self._app = app
        self._enabled = enabled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        started_at = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            if status:  # half an answer is out: only the server underneath can break the connection off
                raise
            response = await answer_error(Request(scope), error)
            await response(scope, receive, send_with_id)
        finally:
            if self._enabled:
                access_logger.info(
                    "method=%s path=%s status=%d ms=%.1f request_id=%s",
                    scope["method"],
                    _path(scope),
                    status,
                    (time.perf_counter() - started_at) * 1000,
                    request_id,
                )


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _GOOD_REQUEST_ID.fullmatch(given) else uuid4().hex


def _path(scope: Scope) -> str:
    """The path as it was sent: encoded, so that it cannot forge a line of the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("unicode_escape")
    return raw.decode("latin-1")
