"""Requests that are answered by a shorter way than the app, between others on the same connection."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, nullcontext
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from perdure_server.cli.http_protocol import HttpProtocol
from tests.support.http_server import serve
from tests.support.waiting import eventually

SHORT = b"GET /short HTTP/1.1\r\nhost: x\r\n\r\n"
HELD = b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n"
LEFT = b"GET /left HTTP/1.1\r\nhost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
OTHER = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
ANSWER = b"content-length: 5\r\n\r\nshort"


let_go = threading.Event()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path, at once unless it is slow: a body may still be on its way."""
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/slow":
        await asyncio.to_thread(let_go.wait, 10)
    body = b"app " + scope["path"].encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Shortcut:
    """Knows three requests: one it answers, one when it is let go, one it leaves to the app after all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.let_go: list[Callable[[bytes | None], object]] = []

    def __call__(self, request: bytes, answer: Callable[[bytes | None], None]) -> bool:
        self.asked.append(request)
        loop = asyncio.get_running_loop()
        if request == SHORT:
            loop.call_soon(answer, ANSWER)
        elif request == LEFT:
            loop.call_soon(answer, None)
        elif request == HELD:
            self.let_go.append(partial(loop.call_soon_threadsafe, answer))
        else:
            return False
        return True


@pytest.fixture
def shortcut() -> Shortcut:
    return Shortcut()


@pytest.fixture
def url(shortcut: Shortcut) -> Iterator[str]:
    with serve(app, http=partial(HttpProtocol, shortcut=shortcut)) as url:
        yield url


@pytest.fixture
def line(url: str) -> Iterator[socket.socket]:
    with closing(connection_to(url)) as line:
        yield line


def connection_to(url: str) -> socket.socket:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    line = socket.create_connection((address.hostname, address.port), timeout=10)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def answers(line: socket.socket, number: int) -> list[bytes]:
    """The bodies of so many answers, each of which has a date and is not followed by anything."""
    received = b""
    while True:
        bodies = [one for one in received.split(b"HTTP/1.1 200 OK\r\n") if one]
        if len(bodies) == number and all(b"\r\n\r\n" in one and is_whole(one) for one in bodies):
            assert all(b"date: " in one for one in bodies)
            return [one.partition(b"\r\n\r\n")[2] for one in bodies]
        part = line.recv(65536)
        assert part, received
        received += part


def is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return len(body) == int(length.split()[1])


def test_what_the_shortcut_knows_does_not_get_to_the_app(line: socket.socket) -> None:
    for request, body in ((SHORT, b"short"), (OTHER, b"app /"), (SHORT, b"short"), (LEFT, b"app /left")) * 2:
        line.sendall(request)
        assert answers(line, 1) == [body]


def test_what_comes_while_a_request_is_answered_is_answered_after_it(
    line: socket.socket, shortcut: Shortcut
) -> None:
    line.sendall(HELD)
    eventually(lambda: shortcut.let_go)
    line.sendall(OTHER)
    line.sendall(OTHER)
    shortcut.let_go[0](ANSWER)
    assert answers(line, 3) == [b"short", b"app /", b"app /"]


def test_what_comes_while_the_app_answers_is_the_apps(
    url: str, line: socket.socket, shortcut: Shortcut
) -> None:
    let_go.clear()
    line.sendall(SLOW)
    eventually(lambda: shortcut.asked == [SLOW])
    line.sendall(SHORT)
    with closing(connection_to(url)) as other:  # when this is answered, what was sent before it has been read
        other.sendall(OTHER)
        assert answers(other, 1) == [b"app /"]
    let_go.set()
    assert answers(line, 2) == [b"app /slow", b"app /short"]


def test_who_sends_on_and_on_meanwhile_is_not_read(line: socket.socket, shortcut: Shortcut) -> None:
    line.sendall(HELD)
    eventually(lambda: shortcut.let_go)
    line.settimeout(1)
    with pytest.raises(TimeoutError):
        line.sendall(b"x" * 64 * 1024 * 1024)
    shortcut.let_go[0](ANSWER)
    assert line.recv(65536).partition(b"short")[0].endswith(b"\r\n\r\n")


def test_a_request_in_two_parts_is_the_apps(line: socket.socket, shortcut: Shortcut) -> None:
    line.sendall(SHORT[:10])
    eventually(lambda: shortcut.asked == [SHORT[:10]])
    line.sendall(SHORT[10:])
    assert answers(line, 1) == [b"app /short"]
    assert shortcut.asked == [SHORT[:10]]


def test_a_body_that_looks_like_a_request_is_none(line: socket.socket, shortcut: Shortcut) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(SHORT)
    line.sendall(head)
    assert answers(line, 1) == [b"app /"]
    line.sendall(SHORT)
    line.sendall(OTHER)
    assert answers(line, 1) == [b"app /"]
    assert SHORT not in shortcut.asked


@pytest.mark.parametrize("answer", [ANSWER, None])
def test_a_client_that_leaves_meanwhile_harms_nobody(
    url: str, line: socket.socket, shortcut: Shortcut, caplog: pytest.LogCaptureFixture, answer: bytes | None
) -> None:
    with closing(connection_to(url)) as leaving:
        leaving.sendall(HELD)
        eventually(lambda: shortcut.let_go)
    line.sendall(OTHER)
    assert answers(line, 1) == [b"app /"]
    shortcut.let_go[0](answer)
    line.sendall(SHORT)
    assert answers(line, 1) == [b"short"]
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


@asynccontextmanager
async def serving(shortcut: Shortcut, *, keep_alive_s: float) -> AsyncIterator[uvicorn.Server]:
    """The same in this event loop."""
    protocol = partial(HttpProtocol, shortcut=shortcut)
    config = uvicorn.Config(app, http=protocol, timeout_keep_alive=keep_alive_s, log_level="warning")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
            yield server
            server.should_exit = True
            await task


async def ask(server: uvicorn.Server, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    writer.write(request)
    return reader, writer


async def test_a_server_that_stops_answers_what_is_under_way(shortcut: Shortcut) -> None:
    async with serving(shortcut, keep_alive_s=600) as server:
        reader, writer = await ask(server, HELD)
        while not shortcut.let_go:
            await asyncio.sleep(0.01)
        server.should_exit = True
        while server.servers[0].is_serving():
            await asyncio.sleep(0.01)
        shortcut.let_go[0](ANSWER)
        assert (await reader.read()).endswith(b"\r\n\r\nshort")
        writer.close()


async def test_a_connection_is_idle_from_the_answer_on(shortcut: Shortcut) -> None:
    async with serving(shortcut, keep_alive_s=0.2) as server:
        reader, writer = await ask(server, SHORT)
        await reader.readuntil(b"short")
        begun_at = asyncio.get_running_loop().time()
        writer.write(HELD)
        while not shortcut.let_go or asyncio.get_running_loop().time() < begun_at + 0.5:
            await asyncio.sleep(0.01)
        shortcut.let_go[0](ANSWER)
        assert (await reader.read()).endswith(b"\r\n\r\nshort")  # and then it is closed
        writer.close()


async def test_each_short_answer_keeps_the_connection_for_its_time(shortcut: Shortcut) -> None:
    async with serving(shortcut, keep_alive_s=0.4) as server:
        reader, writer = await ask(server, SHORT)
        loop = asyncio.get_running_loop()
        for _ in range(4):  # longer than one may be idle
            await reader.readuntil(b"short")
            answered_at = loop.time()
            await asyncio.sleep(0.2)
            writer.write(SHORT)
        assert (await reader.read()).endswith(b"\r\n\r\nshort")  # and then it is closed
        assert loop.time() - answered_at > 0.5
        writer.close()
