"""The fake Slack: messages and what goes with them, with the encodings and errors of Slack's Web API."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.support.fakes.faults import Fault
from tests.support.fakes.service import FakeService, json_body
from tests.support.fakes.slack.errors import SlackError
from tests.support.fakes.slack.methods import METHODS

BOT_TOKEN = "xoxb-bot"
CHANNEL = "C04GWUTDC3W"
MAX_TEXT = 40_000  # characters; Slack refuses longer messages

JsonObject = dict[str, Any]


class FakeSlack(FakeService):
    """Slack's Web API for one workspace. The base URL of a client is ``url`` + ``/api/``.

    ``channels`` are those that the app is a member of; ``messages`` is what was posted, oldest first;
    ``scopes`` are those that the token has, None: all.
    """

    def __init__(self, *, tokens: Iterable[str] = (BOT_TOKEN,), channels: Iterable[str] = (CHANNEL,)) -> None:
        super().__init__()
        self.tokens = set(tokens)
        self.channels = set(channels)
        self.foreign_channels: set[str] = set()
        self.archived_channels: set[str] = set()
        self.messages: list[JsonObject] = []
        self.users_by_email: dict[str, str] = {}
        self.scopes: set[str] | None = None
        self._serial = itertools.count(1)

    @property
    def api_url(self) -> str:
        """The base URL to give to a client."""
        return f"{self.url}/api/"

    def routes(self) -> Sequence[BaseRoute]:
        """Every method is a POST to its name."""
        return [Route("/api/{method}", self._call, methods=["POST", "GET"])]

    def build_app(self) -> Starlette:
        """The service with Slack's way to refuse."""
        app = super().build_app()
        app.add_exception_handler(SlackError, _refuse)
        return app

    def rate_limit_next_call(self, retry_after_s: int = 30, count: int = 1) -> None:
        """Answer the next calls with 429 and Retry-After."""
        body = {"ok": False, "error": "ratelimited"}
        self.faults.add(
            Fault(count=count, status=429, headers={"retry-after": str(retry_after_s)}, body=body)
        )

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        arguments, warnings = await _arguments(request)
        self._check_token(request, arguments)
        if method == "chat.postMessage":
            answer = self._post_message(arguments)
        elif method in METHODS:
            answer = {"ok": True, **METHODS[method](self, arguments)}
        else:
            raise SlackError("unknown_method", req_method=method)
        if warnings:
            answer |= {"warning": ",".join(warnings), "response_metadata": {"warnings": warnings}}
        return JSONResponse(answer, headers=_headers())

    def _check_token(self, request: Request, arguments: JsonObject) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token if scheme.lower() == "bearer" else str(arguments.get("token", ""))
        if not token:
            raise SlackError("not_authed")
        if token not in self.tokens:
            raise SlackError("invalid_auth")

    def _post_message(self, arguments: JsonObject) -> JsonObject:
        if self.scopes is not None and "chat:write" not in self.scopes:
            raise SlackError("missing_scope", needed="chat:write", provided=",".join(self.scopes))
        channel, text = str(arguments.get("channel", "")), str(arguments.get("text", ""))
        if channel in self.archived_channels:
            raise SlackError("is_archived")
        if channel in self.foreign_channels:
            raise SlackError("not_in_channel")
        if channel not in self.channels:
            raise SlackError("channel_not_found")
        if not text and not arguments.get("blocks") and not arguments.get("attachments"):
            raise SlackError("no_text")
        if len(text) > MAX_TEXT:
            raise SlackError("msg_too_long")
        ts = f"{int(time.time())}.{next(self._serial):06d}"
        message = {
            "user": "U0PERDURE",
            "type": "message",
            "ts": ts,
            "bot_id": "B0PERDURE",
            "app_id": "A0PERDURE",
            "text": text,
            "team": "T061EG9R6",
        }
        for name in ("thread_ts", "blocks", "metadata"):
            if arguments.get(name):
                message[name] = arguments[name]
        self.messages.append({"channel": channel, **message})
        return {"ok": True, "channel": channel, "ts": ts, "message": message}


async def _arguments(request: Request) -> tuple[JsonObject, list[str]]:
    """A call's arguments, from JSON, a form or the query, and Slack's warnings about how they came."""
    content_type, body = request.headers.get("content-type", ""), await request.body()
    if content_type.startswith("application/json"):
        arguments = json_body(body)
        if not isinstance(arguments, dict):
            raise SlackError("invalid_json" if arguments is None else "json_not_object")
        return arguments, [] if "charset" in content_type else ["missing_charset"]
    form = parse_qs(body.decode(), keep_blank_values=True) if "urlencoded" in content_type else {}
    return {**request.query_params, **{name: values[-1] for name, values in form.items()}}, []


def _headers() -> dict[str, str]:
    return {
        "x-slack-req-id": uuid4().hex,
        "x-oauth-scopes": "chat:write",
        "x-accepted-oauth-scopes": "chat:write",
        "cache-control": "private, no-cache, no-store, must-revalidate",
    }


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, SlackError)
    return JSONResponse(error.body, headers=_headers())
