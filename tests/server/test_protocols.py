"""What ``perdure serve`` puts between uvicorn and the network: the same bytes arrive, with less work."""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from perdure_server.cli.http_protocol import HttpProtocol
from perdure_server.connect.protocol import MessageProtocol
from tests.support.http_server import serve

BODY = b"answer"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers requests, and sends back each message of a WebSocket."""
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "http":
        headers = [(b"content-length", b"%d" % len(BODY))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        kind = "text" if message.get("bytes") is None else "bytes"
        await send({"type": "websocket.send", kind: message[kind]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(echo, http=HttpProtocol, ws=MessageProtocol) as url:
        yield url


@pytest.fixture
def line(url: str) -> Iterator[socket.socket]:
    """A bare connection."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    with closing(socket.create_connection((address.hostname, address.port), timeout=10)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield line


@pytest.fixture
def messages(url: str) -> Iterator[ClientConnection]:
    with connect(url.replace("http:", "ws:"), compression=None, max_size=None) as connection:
        yield connection


def test_an_answer_is_one_packet(line: socket.socket) -> None:
    for _ in range(5):
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(65536).endswith(b"\r\n\r\n" + BODY)


def test_an_answer_is_complete_when_the_connection_closes(line: socket.socket) -> None:
    line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = b""
    while part := line.recv(65536):
        received += part
    assert received.endswith(b"\r\n\r\n" + BODY)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_messages_of_any_size_pass(messages: ClientConnection, size: int) -> None:
    for _ in range(2):
        messages.send(b"m" * size)
        assert messages.recv(10) == b"m" * size


def test_what_else_a_websocket_may_carry_passes_in_order(messages: ClientConnection) -> None:
    messages.send(b"whole")
    messages.send([b"in ", b"three ", b"parts"])
    assert messages.ping().wait(10)
    messages.send("text")
    messages.send([b"in two ", b"parts"])
    messages.send(b"whole again")
    expected = [b"whole", b"in three parts", "text", b"in two parts", b"whole again"]
    assert [messages.recv(10) for _ in expected] == expected


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_frames_may_be_cut_anywhere(line: socket.socket, step: int) -> None:
    line.sendall(UPGRADE)
    assert b" 101 " in line.recv(65536)
    frames = [
        Frame(Opcode.BINARY, b"a" * 5),
        Frame(Opcode.PING, b"p"),
        Frame(Opcode.BINARY, b"b" * 200, fin=False),
        Frame(Opcode.CONT, b"c" * 3),
        Frame(Opcode.BINARY, b"d" * 200),
    ]
    stream = b"".join(frame.serialize(mask=True) for frame in frames)
    for at in range(0, len(stream), step):
        line.sendall(stream[at : at + step])
    answers = [b"a" * 5, b"b" * 200 + b"c" * 3, b"d" * 200]
    expected = sorted(
        [Frame(Opcode.PONG, b"p").serialize(mask=False)]
        + [Frame(Opcode.BINARY, answer).serialize(mask=False) for answer in answers]
    )
    received = b""
    while len(received) < sum(map(len, expected)):
        received += line.recv(65536)
    assert len(received) == sum(map(len, expected))
    assert all(one in received for one in expected)


def test_a_message_that_is_too_large_is_refused(line: socket.socket) -> None:
    line.sendall(UPGRADE)
    assert b" 101 " in line.recv(65536)
    line.sendall(b"\x82\xff" + (1 << 30).to_bytes(8, "big") + b"mask")
    assert line.recv(65536)[2:4] == (1009).to_bytes(2, "big")


def test_a_frame_without_a_mask_is_refused(line: socket.socket) -> None:
    line.sendall(UPGRADE)
    assert b" 101 " in line.recv(65536)
    line.sendall(Frame(Opcode.BINARY, b"bare").serialize(mask=False))
    assert line.recv(65536)[2:4] == (1002).to_bytes(2, "big")


def test_the_end_is_told(messages: ClientConnection) -> None:
    messages.close()
    with pytest.raises(ConnectionClosedOK):
        messages.recv(10)
