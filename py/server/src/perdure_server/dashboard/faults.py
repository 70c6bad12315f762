"""Pages for what went wrong: what it is and what to do, for people."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure_engine.errors import DatabaseUnavailable, NotMigrated, PerdureError
from perdure_server.dashboard.rendering import render
from perdure_server.errors import STATUS_OF_SQLSTATE, ApiError

logger = logging.getLogger("perdure.server")

_TRY_AGAIN_S = 5


class FaultPages:
    """Answers the exceptions of an app with pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def send_and_see(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except ClientDisconnect:
            raise
        except Exception as error:
            if started:
                raise
            await answer_fault(Request(scope), error)(scope, receive, send)


def answer_fault(request: Request, error: Exception) -> Response:
    """The page for an exception."""
    match error:
        case DatabaseUnavailable() | NotMigrated():
            return _unavailable(request, error)
        case HTTPException(status_code=404):
            return _page(
                404, "There is nothing here", "The address may be mistyped, or you may not see what is there."
            )
        case HTTPException():
            headers = dict(error.headers or {})
            return _page(error.status_code, "This does not work here", error.detail, headers)
        case ApiError():
            return _page(
                error.status,
                _TITLES.get(error.status, "This did not work"),
                error.text,
                dict(error.headers or {}),
            )
        case PerdureError() if error.code in STATUS_OF_SQLSTATE:
            status = STATUS_OF_SQLSTATE[error.code]
            return _page(status, _TITLES.get(status, "This did not work"), _sentence(error.message))
    request_id = request.state.request_id
    logger.error("%s %s failed, request id %s", request.method, request.url.path, request_id, exc_info=error)
    text = f"The server's log says why, under the request id {request_id}."
    return _page(500, "The server failed", text)


_TITLES = {
    403: "You cannot do this",
    404: "There is nothing here",
    409: "This is not possible now",
    413: "This is too much",
}


def _unavailable(request: Request, error: PerdureError) -> Response:
    logger.warning("%s %s: %s", request.method, request.url.path, error)
    headers = {"retry-after": str(_TRY_AGAIN_S)}
    text = "Perdure cannot reach its database. "
    if request.method == "GET":  # a form is not sent again by itself
        headers["refresh"] = str(_TRY_AGAIN_S)
        text += "This page tries again by itself every few seconds."
    else:
        text += "Nothing was changed. Go back, and try again in a moment."
    return _page(503, "The database does not answer", text, headers)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _page(status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
    return render(None, "fault.html", status=status, headers=headers, title=title, text=text)
