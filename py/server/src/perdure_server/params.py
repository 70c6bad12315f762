"""What a request says beside its body: path parameters as the engine takes them, and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.types import Scope

from perdure_server.errors import ApiError

_PLAIN_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def path_text(request: Request, name: str) -> str:
    """A segment of the path, decoded."""
    text: str = request.path_params[name]
    return text


def path_uuid(request: Request, name: str, *, what: str) -> str:
    """A segment of the path that is an id of ours.

    Args:
        what: what it is the id of, for the error.
    Raises:
        ApiError: 404 JQ001: no id has this form, so there is no such thing.
    """
    return uuid_of(request.path_params[name], what=what)


def uuid_of(text: str, *, what: str) -> str:
    """The same from any text."""
    if _PLAIN_UUID.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ApiError(404, "JQ001", f"there is no {what} {text!r} in this environment") from error


def sent_header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this name; for the hot path, where ``request.headers`` costs more than it gives.

    Args:
        name: in lower case.
    """
    for sent, value in scope["headers"]:
        if sent == name:
            found: bytes = value
            return found
    return None


def is_minimal(sent: Mapping[str, str]) -> bool:
    """Whether headers say that the caller needs no answer that tells what it sent.

    Source: RFC 7240, section 4.2.
    """
    return "return=minimal" in sent.get("prefer", "")
