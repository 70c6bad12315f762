"""Request ids, the access log, and the answers to exceptions: what surrounds every request."""

from __future__ import annotations

import logging
import re
import time
from random import getrandbits

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure_server.cors import permission
from perdure_server.errors import answer_error
from perdure_server.params import sent_header
from perdure_server.routing import Resources

_REQUEST_ID = b"x-request-id"
_GOOD_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,100}")

access_logger = logging.getLogger("perdure.server.access")


class RequestLog:
    """Gives every request an id, answers with it, and logs one line.

    The id is the client's ``x-request-id`` when that is a plain word.
    Exceptions become answers here, so that log line and answer carry the id.

    Args:
        resources: of the API.
        others: serves what is none of these, as an ASGI app.
        enabled: whether there is a log.
    """

    def __init__(self, resources: Resources, others: ASGIApp, *, enabled: bool) -> None:
        self._resources = resources
        self._others = others
        self._enabled = enabled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id.decode("ascii")
        started_at = time.perf_counter() if self._enabled else 0.0
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += [(_REQUEST_ID, request_id), *permission(scope)]
            await send(message)

        try:
            found = self._resources.find(scope)
            if found is None:
                await self._others(scope, receive, send_with_id)
            else:  # an answer in one piece: no need to look into what is sent
                response = await found.answer(Request(scope, receive))
                response.raw_headers += [(_REQUEST_ID, request_id), *permission(scope)]
                status = response.status_code
                await response(scope, receive, send)
        except Exception as error:
            if status:  # half an answer is out: only the server underneath can break the connection off
                raise
            response = await answer_error(Request(scope), error)
            await response(scope, receive, send_with_id)
        finally:
            if self._enabled:
                log_request(scope["method"], _path(scope), status, started_at, request_id)


def new_request_id() -> bytes:
    """For a request that came without one."""
    return b"%032x" % getrandbits(128)


def log_request(method: str, path: str, status: int, started_at: float, request_id: bytes) -> None:
    """Write the line of a request.

    Args:
        path: as it was sent.
        started_at: by ``time.perf_counter``.
    """
    access_logger.info(
        "method=%s path=%s status=%d ms=%.1f request_id=%s",
        method,
        path,
        status,
        (time.perf_counter() - started_at) * 1000,
        request_id.decode("ascii"),
    )


def _request_id(scope: Scope) -> bytes:
    given = sent_header(scope, _REQUEST_ID)
    return given if given is not None and _GOOD_REQUEST_ID.fullmatch(given) else new_request_id()


def _path(scope: Scope) -> str:
    """The path as it was sent: encoded, so that it cannot forge a line of the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("unicode_escape")
    return raw.decode("latin-1")
