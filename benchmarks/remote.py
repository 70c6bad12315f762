"""Calls from the harness to a program of its own, such as a system's client: a line of JSON each way.

Standard library only: the programs of other systems import it in an environment of their own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.collector import spare_collector

Answer = Callable[..., Awaitable[Any]]


class RemoteError(RuntimeError):
    """The program answered with an error, not in time, or has ended."""


class Remote:
    """The harness's end. The program gets the number of its own end as its last argument."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._lines = self._ours.makefile("rb")

    def call(self, name: str, *, timeout_s: float, **arguments: Any) -> Any:
        """Have the program do something and wait for its answer.

        Raises:
            RemoteError: it cannot; the text is its traceback.
        """
        self._ours.settimeout(timeout_s)
        try:
            self._ours.sendall(json.dumps({"name": name, "arguments": arguments}).encode() + b"\n")
            line = self._lines.readline()
        except TimeoutError:
            raise RemoteError(f"{name} was not answered within {timeout_s:g} s") from None
        except OSError as error:
            raise RemoteError(f"{name} was not answered: {error}") from error
        if not line:
            raise RemoteError(f"{name} was not answered: the program has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RemoteError(f"{name} failed: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """Close both ends; the program's ``serve`` returns."""
        self._lines.close()
        self._ours.close()
        self.theirs.close()


async def serve(answers: Mapping[str, Answer]) -> None:
    """The program's end: answer calls until the harness closes its end.

    Args:
        answers: by name, what is called with the arguments of a call; what it returns is sent back as JSON.
    """
    spare_collector()
    connection = socket.socket(fileno=int(sys.argv[-1]))
    reader, writer = await asyncio.open_connection(sock=connection)
    while line := await reader.readline():
        call = json.loads(line)
        try:
            answer = {"result": await answers[call["name"]](**call["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
    writer.close()
