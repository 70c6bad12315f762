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
from starlette.types import Scope

from perdure_server.auth import authenticate
from perdure_server.cors import answer_preflight, open_to_browsers
from perdure_server.errors import ApiError
from perdure_server.services import services_of

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Access(Enum):
    """Which key opens an operation; for RUN its path names the run, as ``runId``.

    What a public key opens, pages of any origin may read. Operations with a key count towards its rate limit.
    """

    SECRET = "secret"
    SECRET_OR_PUBLIC = "secret or public"
    RUN = "secret, public, or a token for the run"
    OPEN = "open"

    @property
    def is_for_browsers(self) -> bool:
        """Whether a public key will do."""
        return self in (Access.SECRET_OR_PUBLIC, Access.RUN)


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
        is_lines: body and answer are NDJSON, each line with the message ``body`` or ``answer``.
        is_stream: the answer is server-sent events, each with the message ``answer``.
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
    is_lines: bool = False
    is_stream: bool = False
    any_status: bool = False
    raw_key: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """Its methods, always as a tuple."""
        return (self.method,) if isinstance(self.method, str) else self.method

    async def serve(self, request: Request) -> Response:
        """Check the key, then run the handler."""
        if self.access is not Access.OPEN:
            run_id = request.path_params["runId"] if self.access is Access.RUN else None
            caller = await authenticate(request, public=self.access.is_for_browsers, run_id=run_id)
            if (limiter := services_of(request).rate_limiter) is not None:
                limiter.take(caller.api_key_id)
        return await self.handler(request)


class Resource:
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
            method for method, operation in self._operations.items() if operation.access.is_for_browsers
        ]

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations by method."""
        return self._operations

    def match(self, path: str) -> dict[str, str] | None:
        """The path's segments by name, as they were sent; None: it is another resource's."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    async def answer(self, request: Request) -> Response:
        """Run the method's operation.

        Raises:
            HTTPException: 405 with all that the path allows.
            ApiError: the request cannot be served.
            PerdureError: from the engine.
        """
        method = request.scope["method"]
        if self._public:
            open_to_browsers(request.scope)
            if method == "OPTIONS":
                return answer_preflight(self._public)
        operation = self._operations.get(method)
        if operation is None:
            raise HTTPException(405, headers={"allow": ", ".join(self._operations)})
        segments = request.scope["path_params"]
        request.scope["path_params"] = {name: _decode_segment(name, segments[name]) for name in segments}
        return await operation.serve(request)


class Resources:
    """All resources; looked for by the third word of the path, which nearly all of them have.

    Args:
        resources: the first that matches is taken.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        resources = tuple(resources)
        words = {_third_word(resource.path) for resource in resources}
        self._by_word = {
            word: [one for one in resources if _third_word(one.path) == word or "{" in _third_word(one.path)]
            for word in words
        }
        self._others = [one for one in resources if "{" in _third_word(one.path)]

    def find(self, scope: Scope) -> Resource | None:
        """The resource that a request is for; the scope gets ``path_params``, as they were sent."""
        path = _sent_path(scope)
        for resource in self._by_word.get(_third_word(path), self._others):
            if (segments := resource.match(path)) is not None:
                scope["path_params"] = segments
                return resource
        return None


def build_resources(operations: Iterable[Operation]) -> list[Resource]:
    """One resource for each path, in the order in which the paths first appear."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return [Resource(path, group) for path, group in by_path.items()]


def _third_word(path: str) -> str:
    """``runs`` of ``/api/v1/runs/{runId}``; empty when there are not so many."""
    words = path.split("/", 4)
    return words[3] if len(words) > 3 else ""


def _sent_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    sent = raw.split(b"?", 1)[0].decode("latin-1") if raw else quote(scope["path"])
    return sent.removeprefix(scope.get("root_path", ""))


def _decode_segment(name: str, text: str) -> str:
    if text.isascii() and "%" not in text and "\0" not in text:
        return text
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise ApiError(400, "INVALID_PATH", f"the path's {name} must be percent-encoded UTF-8 without NUL")
    return decoded
