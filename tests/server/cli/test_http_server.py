"""How long ``HttpServer`` keeps the connections of its clients."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child, Family

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
UVICORN_KEEPS_FOR_S = 5
PROGRAM = """
import sys
from perdure_server.cli.http_server import HttpServer, listen_or_refuse
from starlette.responses import PlainTextResponse

HttpServer(
    PlainTextResponse("here"),
    listen_or_refuse("127.0.0.1", int(sys.argv[1])),
    drain_s=300,
    on_started=lambda: print("started", flush=True),
).run()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int) -> Iterator[Child]:
    with Family(stop_timeout_s=5) as family:
        child = family.start("server", [sys.executable, "-c", PROGRAM, str(port)], variables=dict(os.environ))
        child.wait_for_line(lambda line: line == "started", timeout_s=30)
        yield child


@pytest.fixture
def line(server: Child, port: int) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as line:
        yield line


def test_an_idle_connection_is_left_for_the_client_to_close(line: socket.socket) -> None:
    line.sendall(REQUEST)
    assert line.recv(65536).endswith(b"here")
    line.settimeout(UVICORN_KEEPS_FOR_S + 1)
    with pytest.raises(TimeoutError):  # nothing comes, not even the end
        line.recv(1)
    line.sendall(REQUEST)
    assert line.recv(65536).endswith(b"here")


def test_an_idle_connection_does_not_hold_up_the_end(server: Child, line: socket.socket) -> None:
    line.sendall(REQUEST)
    assert line.recv(65536).endswith(b"here")
    os.kill(server.pid, signal.SIGTERM)
    assert line.recv(1) == b""
