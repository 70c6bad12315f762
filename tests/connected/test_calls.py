"""Calls of the API over a connection: what a caller sees when no answer comes, or when it comes too late."""

import asyncio

import pytest

from perdure.wire.http import HttpClient, RequestTimedOut
from perdure_connect.connection import CallsOverConnection, Line
from perdure_connect.frames import Frame, unpack


class SilentServer:
    """A WebSocket's other end, which reads and does not answer by itself."""

    def __init__(self) -> None:
        self.got: list[Frame] = []

    async def send(self, message: bytes) -> None:
        self.got += unpack(message)


async def test_a_call_without_an_answer_is_given_up_and_a_late_answer_is_nobodys() -> None:
    server = SilentServer()
    calls = CallsOverConnection(HttpClient())
    line = calls.line = Line(server)  # type: ignore[arg-type]
    sending = asyncio.create_task(line.run())
    url = "http://server.example:3040/base/api/v1/runs/1?take=5"

    async def call(timeout_s: float) -> bytes:
        response = await calls.request("GET", url, {}, None, timeout_s=timeout_s, max_response_bytes=100)
        return response.body

    with pytest.raises(RequestTimedOut, match=r"/base/api/v1/runs/1\?take=5 was not answered within 0.05 s"):
        await call(0.05)
    (asked,) = server.got
    assert asked.head["path"] == "/base/api/v1/runs/1?take=5"
    calls.answer({"id": asked.head["id"], "status": 200, "headers": {}}, b"late")

    waiting = asyncio.create_task(call(10))
    while len(server.got) < 2:
        await asyncio.sleep(0)
    calls.answer({"id": server.got[1].head["id"], "status": 200, "headers": {}}, b"in time")
    assert await waiting == b"in time"
    assert line.answers == {}
    sending.cancel()
    await calls.close()
