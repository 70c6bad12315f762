"""The way of a step through processes that do nothing else: what no server of ours can be quicker than.

An app sends a request with our HTTP client; a server that reads and checks nothing passes it on to Postgres,
and answers when it is committed. Beside the real server's statement stand that for any number of tasks, an
insert of one row, and one that stores nothing (ADRs 0059, 0061).
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.measure import Row, spread
from benchmarks.micro.database import Step, make_database
from perdure.wire.http import HttpClient
from perdure_engine.driver import Connection, Statement
from perdure_engine.embedded import EmbeddedPostgres

ROUNDS = 5
STEPS = 1000
BODY = b'{"leaseNumber":1,"tasks":[{"idempotencyKey":"%064x","name":"step","status":"COMPLETED"}]}' % 0
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
STATEMENTS = {
    "nothing": "select $1::text",
    "a row": "insert into bench_steps (body) values ($1::text) returning null",
    "upsert_tasks": "select response from perdure.upsert_tasks($1, true)",
    "store_task": "select 1 where perdure.store_task($1, $2, $3, $4, $5, $6, $7, $8)",
}


def run(server: EmbeddedPostgres) -> list[Row]:
    """Wall time and CPU of each process for a step, the statements in turns."""
    database = make_database(server, "lone_step")
    database.connection.execute("create table bench_steps (id bigserial primary key, body text)")
    database.connection.execute("grant all on bench_steps, bench_steps_id_seq to perdure_server")
    step = database.begin_step()
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(theirs, server.url("lone_step"), step), daemon=True)
    process.start()
    try:
        port, backend_pid = ours.recv()
        rounds = uvloop.run(_measure(ours, port, [process.pid, backend_pid]))
    finally:
        process.kill()
        process.join()
    parts = ("ms", "app, CPU ms", "server, CPU ms", "postgres, CPU ms")
    return [
        {
            "statement": name,
            **{part: spread([figures[i] for figures in rounds[name]]) for i, part in enumerate(parts)},
            "ms asleep": spread([wall - sum(cpus) for wall, *cpus in rounds[name]]),
            "rounds": rounds[name],
        }
        for name in STATEMENTS
    ]


async def _measure(server: Pipe, port: int, pids: Sequence[int | None]) -> dict[str, list[tuple[float, ...]]]:
    client = HttpClient()
    rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in STATEMENTS}
    for number in range(-1, ROUNDS):  # before the first all are warmed up
        for name in STATEMENTS:
            server.send(name)
            server.recv()
            before, begun_at = _cpus_ms(pids), time.perf_counter()
            for _ in range(STEPS):
                url = f"http://127.0.0.1:{port}/api/v1/runs/x/tasks"
                await client.request("PUT", url, {}, BODY, timeout_s=10, max_response_bytes=1000)
            wall_ms = (time.perf_counter() - begun_at) * 1000
            cpus_ms = [after - then for then, after in zip(before, _cpus_ms(pids), strict=True)]
            if number >= 0:
                rounds[name].append(tuple(figure / STEPS for figure in (wall_ms, *cpus_ms)))
    await client.close()
    return rounds


def _cpus_ms(pids: Sequence[int | None]) -> list[float]:
    """Of this process, and of these."""
    return [int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6 for pid in ("self", *pids)]


def _serve(harness: Pipe, url: str, step: Step) -> None:
    uvloop.run(_answer_all(harness, url, step))


async def _answer_all(harness: Pipe, url: str, step: Step) -> None:
    connection = await Connection.connect(url, autocommit=True, prepare_threshold=None)
    await connection.execute("set role perdure_server")
    statements = {
        name: Statement(name, query, lambda *columns: columns) for name, query in STATEMENTS.items()
    }
    numbers = iter(range(10**9))

    def parameters(statement: Statement[Any]) -> list[str]:
        key = next(numbers)
        return step.parts(key) if statement.name == b"store_task" else [step.document(key)]

    for statement in statements.values():
        await connection.call(statement, *parameters(statement))
    chosen = statements["nothing"]

    def choose() -> None:
        nonlocal chosen
        chosen = statements[harness.recv()]
        harness.send(None)

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self._transport = transport

        def data_received(self, data: bytes) -> None:
            storing = connection.begin(chosen, parameters(chosen))
            storing.add_done_callback(
                lambda done: self._transport.write(ANSWER) if done.result() is not None else None
            )

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(Protocol, "127.0.0.1", 0)
    loop.add_reader(harness.fileno(), choose)
    harness.send((listening.sockets[0].getsockname()[1], connection.info.backend_pid))
    await listening.serve_forever()
