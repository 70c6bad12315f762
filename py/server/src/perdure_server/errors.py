"""How errors become answers: one shape, one place that chooses the status.

ApiError                 the request cannot be served as it is; knows its status, code and text
├── Unauthorized         401, auth.py
└── BodyTooLarge         413, body.py
PerdureError             from the engine; STATUS_OF_SQLSTATE chooses the status
HTTPException            from Starlette's router: 404 and 405
anything else            500; the answer hides what happened, the log has it
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from perdure_engine.errors import (
    DatabaseUnavailable,
    NoSecretKey,
    NotMigrated,
    PerdureError,
    UnknownSecretKey,
)
from perdure_server.responses import value_response

logger = logging.getLogger("perdure.server")

STATUS_OF_SQLSTATE: Mapping[str, int] = {
    "JQ001": 404,  # not_found
    "JQ002": 409,  # wrong_state
    "JQ003": 409,  # already_finished
    "JQ004": 409,  # key_conflict
    "JQ005": 409,  # lease_lost
    "JQ010": 400,  # invalid_argument
}
RETRY_AFTER_S = 1


class ApiError(Exception):
    """A request that cannot be served.

    Args:
        status: the HTTP status.
        code: what is wrong, for programs.
        text: what is wrong and what to do, for people.
        headers: further response headers.
    """

    def __init__(
        self, status: int, code: str, text: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers


async def answer_error(request: Request, error: Exception) -> Response:
    """Turn any exception into the one error shape ``{"error": text, "code": code}``."""
    if isinstance(error, ApiError):
        return _answer(error.status, error.code, error.text, error.headers)
    if isinstance(error, DatabaseUnavailable):
        logger.warning("%s %s: database unavailable: %s", request.method, request.url.path, error)
        text = f"the database cannot be reached at the moment; try again in {RETRY_AFTER_S} s"
        return _answer(503, "DATABASE_UNAVAILABLE", text, {"retry-after": str(RETRY_AFTER_S)})
    if isinstance(error, NotMigrated):
        logger.error("%s %s: %s", request.method, request.url.path, error)
        return _answer(503, "NOT_MIGRATED", str(error), {"retry-after": str(RETRY_AFTER_S)})
    if isinstance(error, NoSecretKey | UnknownSecretKey):  # the operator's to mend, not the caller's
        logger.error("%s %s: %s", request.method, request.url.path, error)
        return _answer(503, error.code, error.message)
    if isinstance(error, PerdureError) and error.code in STATUS_OF_SQLSTATE:
        return _answer(STATUS_OF_SQLSTATE[error.code], error.code, error.message)
    if isinstance(error, HTTPException) and error.status_code == 404:
        return _answer(404, "NOT_FOUND", f"there is nothing at {request.url.path}: check the path")
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("allow", "")
        text = f"{request.method} is not possible on {request.url.path}; allowed: {allowed}"
        return _answer(405, "METHOD_NOT_ALLOWED", text, error.headers)
    if isinstance(error, HTTPException):
        return _answer(error.status_code, "HTTP_ERROR", error.detail, error.headers)
    if isinstance(error, ClientDisconnect):  # nobody reads this answer
        return _answer(
            400, "CLIENT_DISCONNECTED", "the client closed the connection before its request was complete"
        )
    return _hide(request, error)


def _hide(request: Request, error: Exception) -> Response:
    request_id = request.state.request_id
    logger.error("%s %s failed, request id %s", request.method, request.url.path, request_id, exc_info=error)
    return _answer(500, "INTERNAL", f"the server failed; its log says why under the request id {request_id}")


def _answer(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return value_response({"error": text, "code": code}, status=status, headers=headers)
