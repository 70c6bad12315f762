"""Frames that no client of ours sends: the connection ends with a word about what is wrong."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from perdure_connect.frames import CALL, CONNECT_PATH, HELLO, REFUSED, WELCOME, Frame, pack, unpack
from tests.connected.conftest import World

CALL_OF_THE_API = {"kind": CALL, "id": 1, "method": "GET", "path": "/api/v1/runs"}
APP = b'{"jobs": [], "sources": [], "dynamicTriggers": [], "dynamicSchedules": []}'


def connection(world: World) -> ClientConnection:
    return connect(
        world.url.replace("http:", "ws:") + CONNECT_PATH,
        additional_headers={"authorization": f"Bearer {world.environment.key}"},
    )


def say(socket: ClientConnection, head: dict[str, Any], body: bytes = b"") -> Frame:
    """Send a frame; the next frame of the server."""
    socket.send(pack([Frame(head, body)]))
    message = socket.recv(10)
    assert isinstance(message, bytes)
    (frame,) = unpack(message)
    return frame


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ({"kind": CALL, "method": "GET", "path": "/"}, "a call needs an `id`"),
        ({**CALL_OF_THE_API, "method": 1}, "a call needs a `method`, a text, not 1"),
        ({**CALL_OF_THE_API, "path": None}, "a call needs a `path`, a text, not None"),
        ({**CALL_OF_THE_API, "path": ["Ω" * 200]}, "a call needs a `path`, a text, not ['Ω"),
        ({**CALL_OF_THE_API, "headers": ["a"]}, "`headers` of a call must be an object of texts"),
        ({**CALL_OF_THE_API, "headers": {"a": 1}}, "`headers` of a call must be an object of texts"),
        ({"kind": "answer", "id": "none"}, "not an answer"),
        ({"kind": "slots", "slots": -1}, "slots must be a whole number"),
    ],
)
def test_the_connection_is_closed_with_the_reason(
    world: World, caplog: pytest.LogCaptureFixture, head: dict[str, Any], problem: str
) -> None:
    with connection(world) as socket:
        assert say(socket, {"kind": HELLO, "app": "raw", "slots": 1}, APP).head["kind"] == WELCOME
        assert say(socket, CALL_OF_THE_API).head["status"] == 200
        socket.send(pack([Frame(head)]))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason[: len(problem)]) == (1002, problem)
    assert [record.exc_info for record in caplog.records if record.exc_info] == []


def test_a_hello_that_is_none_is_refused(world: World) -> None:
    with connection(world) as socket:
        answer = say(socket, CALL_OF_THE_API)
    assert (answer.head["kind"], "must be a hello" in answer.head["error"]) == (REFUSED, True)
