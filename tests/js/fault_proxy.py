"""An HTTP proxy that disturbs requests: between the app and the platform, in both directions."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Forward = Callable[[], Awaitable[bytes]]
"""Sends the request on, and returns the answer."""
Fault = Callable[[Forward], Awaitable[bytes | None]]
"""What to do with a request; returns the answer, None: the connection is closed without one."""

_OF_A_RUN = re.compile(r"/api/v1/runs/([^/]+)/(?:tasks/[^/]+/)?([a-z]+)$")


def answered(status: int, **headers: Callable[[], str]) -> Fault:
    """The platform is not asked; the names of headers are written with underscores."""

    async def fault(_forward: Forward) -> bytes:
        named = "".join(f"{name.replace('_', '-')}: {value()}\r\n" for name, value in headers.items())
        body = b'{"error": "no"}'
        head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        return f"{head}{named}connection: close\r\n\r\n".encode() + body

    return fault


def limited(seconds: float) -> Fault:
    """Too many requests; the limit is reset after so many seconds."""
    return answered(
        429,
        x_ratelimit_limit=lambda: "1",
        x_ratelimit_remaining=lambda: "0",
        x_ratelimit_reset=lambda: str(int((time.time() + seconds) * 1000)),
    )


def delayed(seconds: float) -> Fault:
    """The request arrives late."""

    async def fault(forward: Forward) -> bytes:
        await asyncio.sleep(seconds)
        return await forward()

    return fault


def held(gate: threading.Event) -> Fault:
    """The request arrives when the gate is opened, whether or not anybody still waits for the answer."""

    async def fault(forward: Forward) -> bytes:
        while not gate.is_set():
            await asyncio.sleep(0.02)
        return await forward()

    return fault


def repeated(keep: int) -> Fault:
    """The request arrives again after its first answer; ``keep`` says which answer (0 or 1) is given on."""

    async def fault(forward: Forward) -> bytes:
        return [await forward(), await forward()][keep]

    return fault


def doubled(keep: int) -> Fault:
    """The request arrives twice at the same time."""

    async def fault(forward: Forward) -> bytes:
        return (await asyncio.gather(forward(), forward()))[keep]

    return fault


async def cut_before(_forward: Forward) -> None:
    """The request does not arrive."""


async def cut_after(forward: Forward) -> None:
    """The request arrives, and its answer does not."""
    await forward()


@dataclass
class Rule:
    """Disturb calls of one kind in the runs of one case.

    Args:
        call: ``EXECUTE_JOB``, or ``POST tasks``, ``POST complete``, ``POST fail``.
        fault: what happens to them.
        times: how many of them, the first ones; None: all.
        skip: how many are left in peace before.
    """

    call: str
    fault: Fault
    times: int | None = None
    skip: int = 0
    seen: int = 0

    def wants(self) -> bool:
        """Whether the next of these calls is to be disturbed."""
        self.seen += 1
        nth = self.seen - self.skip
        return nth > 0 and (self.times is None or nth <= self.times)


@dataclass
class FaultProxy:
    """Two doors: ``app_url`` leads to the app, ``platform_url`` to the platform.

    Args:
        platform: the platform's own address.
        rules: by case, which is the member ``case`` of a run's payload.
    """

    platform: str
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    app: str = ""
    """The app's own address: whoever starts the app tells it."""
    app_url: str = ""
    platform_url: str = ""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many calls have come, by case and kind."""
    disturbed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many calls have been disturbed to the end, by case and kind."""
    open: Counter[str] = field(default_factory=Counter)
    """How many requests are under way, by case; those whose sender has gone away included."""
    failures: int = 0
    """How often a peer was not there or answered with 5xx of its own."""
    problems: list[BaseException] = field(default_factory=list)
    """Other mistakes than a peer that is not there."""
    _tasks: set[Any] = field(default_factory=set)  # a loop forgets those that nobody else remembers
    _cases: dict[str, str] = field(default_factory=dict)

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one request and close the connection."""
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            answer = await self._answer(target, head, body)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the peer is not there, or no longer, or we end: so it is for the other one
        except Exception as error:  # shown by the test
            self.problems.append(error)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, target: str, head: bytes, body: bytes) -> bytes | None:
        case, call = self._describe(head, body)
        self.requests[case, call] += 1
        address = urlsplit(target)
        request = (
            re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head[:-4]) + b"\r\nconnection: close\r\n\r\n" + body
        )

        async def forward() -> bytes:
            try:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                try:
                    writer.write(request)
                    answer = await reader.read(-1)
                finally:
                    writer.close()
            except OSError:
                self.failures += 1
                raise
            self.failures += not answer or answer[9:10] == b"5"
            return answer

        rule = next((rule for rule in self.rules.get(case, []) if rule.call == call and rule.wants()), None)
        self.open[case] += 1
        try:
            answer = await (rule.fault(forward) if rule else forward())
        finally:
            self.open[case] -= 1
        if rule:
            self.disturbed[case, call] += 1
        return answer

    def _describe(self, head: bytes, body: bytes) -> tuple[str, str]:
        """The case that a request belongs to, empty: none, and what it asks for."""
        if action := re.search(rb"(?i)\r\nx-trigger-action: *(\w+)", head):
            if action[1] == b"EXECUTE_JOB":
                document = json.loads(body)
                payload = document["event"]["payload"]
                self._cases[document["run"]["id"]] = (
                    payload.get("case", "") if isinstance(payload, dict) else ""
                )
                return self._cases[document["run"]["id"]], "EXECUTE_JOB"
            return "", action[1].decode()
        method, path = head.decode("latin-1").split(" ", 2)[:2]
        of_a_run = _OF_A_RUN.search(path)
        return (self._cases.get(of_a_run[1], ""), f"{method} {of_a_run[2]}") if of_a_run else ("", method)


@contextmanager
def running(proxy: FaultProxy) -> Iterator[FaultProxy]:
    """The proxy, listening; its addresses are known then."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    doors = []

    async def listen(target: Callable[[], str]) -> str:
        door = await asyncio.start_server(lambda *streams: proxy.serve(target(), *streams), "127.0.0.1", 0)
        doors.append(door)
        return f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}"

    async def end() -> None:
        for door in doors:
            door.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        proxy.app_url = asyncio.run_coroutine_threadsafe(listen(lambda: proxy.app), loop).result(10)
        proxy.platform_url = asyncio.run_coroutine_threadsafe(listen(lambda: proxy.platform), loop).result(10)
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
