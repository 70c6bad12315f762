"""HTTP clients at concurrency 50 against a bare ASGI function in another process (ADR 0003).

Compares the client of the hot paths with httpx, and with aiohttp and pyreqwest where they are installed
(``pip install aiohttp pyreqwest``); what is left out is named.
"""

import asyncio
import importlib
import importlib.util
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import httpx

from benchmarks.measure import Row, spread
from perdure.wire.http import HttpClient
from perdure_engine.embedded import EmbeddedPostgres

CONCURRENCY = 50
ROUNDS = 3
REQUESTS = {"httpx": 500}
REQUESTS_OTHERWISE = 4000
BODY = b'{"a":1}' * 50
HEADERS = {"content-type": "application/json"}

Call = Callable[[], Awaitable[object]]


async def answer(
    scope: dict[str, str], receive: Callable[[], Awaitable[object]], send: Callable[[object], Awaitable[None]]
) -> None:
    """The smallest ASGI application that reads a request and answers JSON."""
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Call]:
    """The client of the hot paths."""
    client = HttpClient()
    yield lambda: client.request("POST", url, HEADERS, BODY, timeout_s=10, max_response_bytes=10_000)
    await client.close()


@asynccontextmanager
async def httpx_client(url: str) -> AsyncIterator[Call]:
    """The client that the rest of the project uses, with room for every connection."""
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(limits=limits) as client:
        yield lambda: client.post(url, content=BODY, headers=HEADERS)


@asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Call]:
    """Without a limit of its own."""
    aiohttp = importlib.import_module("aiohttp")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call() -> object:
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                return await response.read()

        yield call


@asynccontextmanager
async def pyreqwest_client(url: str) -> AsyncIterator[Call]:
    """As it comes."""
    pyreqwest = importlib.import_module("pyreqwest.client")
    async with pyreqwest.ClientBuilder().build() as client:

        async def call() -> object:
            response = await client.post(url).body_bytes(BODY).headers(HEADERS).build().send()
            return await response.bytes()

        yield call


CLIENTS = {
    "perdure.wire.http": ours,
    "httpx": httpx_client,
    "aiohttp": aiohttp_client,
    "pyreqwest": pyreqwest_client,
}


def run(_: EmbeddedPostgres) -> list[Row]:
    """CPU of the client's process per request, the clients in turn within a round."""
    chosen = {
        name: client
        for name, client in CLIENTS.items()
        if importlib.util.find_spec(name.partition(".")[0]) is not None
    }
    for missing in CLIENTS.keys() - chosen.keys():
        print(f"http_clients: {missing} is left out: it is not installed", file=sys.stderr)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.micro.http_clients:answer",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    with subprocess.Popen([*command, "--lifespan", "off"]) as server:
        try:
            _wait_for(port)
            figures = asyncio.run(_measure(f"http://127.0.0.1:{port}/", chosen))
        finally:
            server.terminate()
    return [
        {
            "client": name,
            "CPU, ms per request": spread([cpu_s for cpu_s, _ in rounds], 1e3),
            "requests per s": spread([1 / wall_s for _, wall_s in rounds]),
            "rounds": rounds,
        }
        for name, rounds in figures.items()
    ]


async def _measure(url: str, clients: Iterable[str]) -> dict[str, list[tuple[float, float]]]:
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in clients}
    for _ in range(ROUNDS):
        for name in clients:
            requests = REQUESTS.get(name, REQUESTS_OTHERWISE)
            async with CLIENTS[name](url) as call:
                await asyncio.gather(*(call() for _ in range(CONCURRENCY)))  # connections open
                counter = itertools.repeat(None, requests)

                async def work(call: Call = call, counter: "itertools.repeat[None]" = counter) -> None:
                    for _ in counter:
                        await call()

                cpu, wall = time.process_time(), time.perf_counter()
                await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
                figures[name].append(
                    ((time.process_time() - cpu) / requests, (time.perf_counter() - wall) / requests)
                )
    return figures


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
