"""Errors as they are stored: message, class name, and a stack trace of limited size."""

from __future__ import annotations

import traceback

from perdure.errors import TaskFailed
from perdure.wire.tasks import WireError

_STACK_LIMIT = 16_000
_MESSAGE_LIMIT = 8_000


def describe_error(error: BaseException) -> WireError:
    """An exception for storing. A failed task that nobody caught is described as what it failed with."""
    if isinstance(error, TaskFailed):
        return error.error
    message = str(error) or repr(error)
    stack = "".join(traceback.format_exception(error))
    return WireError(
        message=_shortened(printable(message), _MESSAGE_LIMIT),
        name=type(error).__name__,
        stack=_shortened(printable(stack), _STACK_LIMIT),
    )


def _shortened(text: str, limit: int) -> str:
    """The beginning and the end of a long text: in a stack trace the end says what happened."""
    if len(text) <= limit:
        return text
    head, tail = limit // 4, limit - limit // 4
    return f"{text[:head]}\n… {len(text) - limit} characters left out …\n{text[-tail:]}"


def printable(text: str) -> str:
    """The text without lone surrogates and NUL, which Postgres cannot hold."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")
