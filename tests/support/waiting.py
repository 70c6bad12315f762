"""Wait for something to become true: never by sleeping a fixed time, always with a deadline."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit

Value = TypeVar("Value")

DEADLINE_S = 30.0
"""Long, because only a test that fails waits for it, and machines are busy."""

_POLL_S = 0.01


def eventually(look: Callable[[], Value], *, timeout_s: float = DEADLINE_S, what: str = "") -> Value:
    """Call ``look`` until it returns something true, and return that.

    Args:
        look: asked again and again; an exception of its ends the wait.
        timeout_s: seconds after which the test fails.
        what: what was waited for, for the message.
    Raises:
        AssertionError: the deadline passed; with the last value.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := look()):
        if time.monotonic() > deadline:
            raise _too_late(look, value, timeout_s, what)
        time.sleep(_POLL_S)
    return value


@overload
async def eventually_async(
    look: Callable[[], Awaitable[Value]], *, timeout_s: float = DEADLINE_S, what: str = ""
) -> Value: ...


@overload
async def eventually_async(
    look: Callable[[], Value], *, timeout_s: float = DEADLINE_S, what: str = ""
) -> Value: ...


async def eventually_async(look: Callable[[], Any], *, timeout_s: float = DEADLINE_S, what: str = "") -> Any:
    """``eventually`` in an event loop, which goes on meanwhile; ``look`` may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = look()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise _too_late(look, value, timeout_s, what)
        await asyncio.sleep(_POLL_S)


def _too_late(look: object, value: object, timeout_s: float, what: str) -> AssertionError:
    subject = what or getattr(look, "__name__", repr(look))
    return AssertionError(f"not within {timeout_s:g} s: {subject} (last seen: {value!r})")


def refuses_connections(url: str) -> bool:
    """Whether nobody listens there; a server that stops may also take a connection and close it."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 80), timeout=DEADLINE_S).close()
    except ConnectionRefusedError:
        return True
    return False
