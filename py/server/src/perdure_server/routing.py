"""Operations of the API: one registration makes the route, guards it with a key, and documents it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_to_bytes

from pydantic import BaseModel, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from perdure_server.auth import authenticate
from perdure_server.cors import answer_preflight, open_to_browsers
from perdure_server.errors import ApiError
from perdure_server.services import services_of

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Access(Enum):
    """Which key opens an operation.

    What a public key opens, pages of any origin may read. Operations with a key count towards its rate limit.
    """

    SECRET = "secret"
    SECRET_OR_PUBLIC = "secret or public"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API can do, documented by the handler's docstring: a line of summary, then description.

    Args:
        method: the HTTP method, or several; GET answers HEAD too.
        path: with ``{name}`` for a segment; handlers find it decoded in ``path_params``.
        access: checked before the handler runs, which finds the caller with ``caller_of``.
        answer: the message of a 200; None: free form.
        body: the message of the request body; None: no JSON body.
        query: the model of the query string.
        headers: request headers that change what happens, with their meaning.
        errors: statuses besides those that every guarded operation has.
        any_status: the answer may be anything, because it is an app's.
        raw_key: clients send the last segment without encoding it: it may hold slashes.
    """

    method: str | tuple[str, ...]
    path: str
    handler: Handler
    access: Access = Access.SECRET
    answer: type[BaseModel] | TypeAdapter[Any] | None = None
    body: type[BaseModel] | TypeAdapter[Any] | None = None
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] | None = None
    errors: tuple[int, ...] = ()
    any_status: bool = False
    raw_key: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """Its methods, always as a tuple."""
        return (self.method,) if isinstance(self.method, str) else self.method

    async def serve(self, request: Request) -> Response:
        """Check the key, then run the handler."""
        if self.access is not Access.OPEN:
            caller = await authenticate(request, public=self.access is Access.SECRET_OR_PUBLIC)
            request.state.caller = caller
            if (limiter := services_of(request).rate_limiter) is not None:
                limiter.take(caller.api_key_id)
        return await self.handler(request)


class Resource(BaseRoute):
    """One path with its operations by method.

    It matches the path as it was sent, segment by segment, and decodes afterwards: a key may hold an encoded
    slash.
    """

    def __init__(self, path: str, operations: Iterable[Operation]) -> None:
        self.path = path
        operations = tuple(operations)
        last = ".+" if any(operation.raw_key for operation in operations) else "[^/]+"
        pattern = re.sub(r"\\{(\w+)\\}$", rf"(?P<\1>{last})", re.escape(path))
        self._pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern))
        self._operations: dict[str, Operation] = {}
        for operation in operations:
            for method in operation.methods:
                if method in self._operations:
                    raise ValueError(f"{method} {path} is registered twice")
                self._operations[method] = operation
        if "GET" in self._operations:
            self._operations.setdefault("HEAD", self._operations["GET"])
        self._public = [
            method
            for method, operation in self._operations.items()
            if operation.access is Access.SECRET_OR_PUBLIC
        ]

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations by method."""
        return self._operations

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by the raw path; the method is looked at when it is handled."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._pattern.fullmatch(_sent_path(scope))
        if found is None:
            return Match.NONE, {}
        return Match.FULL, {"path_params": found.groupdict(), "endpoint": self}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """The API's routes have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the method's operation; 405 with all that the path allows when there is none."""
        if self._public:
            open_to_browsers(scope)
            if scope["method"] == "OPTIONS":
                await answer_preflight(self._public)(scope, receive, send)
                return
        operation = self._operations.get(scope["method"])
        if operation is None:
            raise HTTPException(405, headers={"allow": ", ".join(self._operations)})
        scope["path_params"] = {
            name: _decode_segment(name, text) for name, text in scope["path_params"].items()
        }
        response = await operation.serve(Request(scope, receive, send))
        await response(scope, receive, send)


def build_resources(operations: Iterable[Operation]) -> list[Resource]:
    """One route for each path, in the order in which the paths first appear."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return [Resource(path, group) for path, group in by_path.items()]


def _sent_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    sent = raw.split(b"?", 1)[0].decode("latin-1") if raw else quote(scope["path"])
    return sent.removeprefix(scope.get("root_path", ""))


def _decode_segment(name: str, text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise ApiError(400, "INVALID_PATH", f"the path's {name} must be percent-encoded UTF-8 without NUL")
    return decoded
