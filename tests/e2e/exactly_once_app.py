"""An app whose process dies: it executes each request in a process of its own, forked from one that is warm.

Reads a request a line: {"body", "headers", "warm"?, "kill"?: {"statement", "moment"}, "killAfter"?: seconds}.
One that is to warm it up it executes itself. Answers with a line {"status", "reply", "statements"}: of the
process's exit, of the endpoint, and how many it exchanged with Postgres. A killed one has no reply.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar

import psycopg
from psycopg.waiting import Wait

from perdure import IO, Context, Perdure, SyncIO, event_trigger

JsonObject = dict[str, Any]

app = Perdure("shop", api_url="http://127.0.0.1:9")  # whatever went by HTTP would fail


class Doom:
    """When this process dies: before a statement is sent, once it is sent, or when its answer has come."""

    statement: ClassVar[int | None] = None
    moment: ClassVar[str] = "before"
    count: ClassVar[int] = 0

    @classmethod
    def watch(cls, work: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """One exchange with Postgres, which may be the last."""
        cls.count += 1
        if cls.count != cls.statement:
            return (yield from work)
        if cls.moment == "before":
            die()
        try:
            state = next(work)
            while True:
                if cls.moment == "sent" and state & Wait.W == 0:
                    die()
                state = work.send((yield state))
        except StopIteration as end:
            if cls.moment == "after":
                die()
            return end.value


def die() -> None:
    """What the kernel does to a process that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedAsyncConnection(psycopg.AsyncConnection[Any]):
    """Counts the statements of a process."""

    async def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Exchange something with Postgres."""
        return await super().wait(Doom.watch(gen), *args, **kwargs)


class DoomedConnection(psycopg.Connection[Any]):
    """The same for plain functions."""

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Exchange something with Postgres."""
        return super().wait(Doom.watch(gen), *args, **kwargs)


@asynccontextmanager
async def connect_async() -> Any:
    """A connection for async functions, the same for both steps."""
    if opened.get("async") is None:
        opened["async"] = await DoomedAsyncConnection.connect(os.environ["PERDURE_DATABASE_URL"])
    yield opened["async"]


@contextmanager
def connect() -> Any:
    """A connection for plain functions, the same for both steps."""
    if opened.get("plain") is None:
        opened["plain"] = DoomedConnection.connect(os.environ["PERDURE_DATABASE_URL"])
    yield opened["plain"]


opened: dict[str, Any] = {}


INSERT = "insert into public.orders (run_id, step) values (%s, %s) returning id"
COUNT = "update public.totals set amount = amount + 1 where step = %s"


async def write(connection: psycopg.AsyncConnection[Any], run_id: str, step: str) -> int:
    """Two statements of the app's, whose effects anybody can count."""
    row = await (await connection.execute(INSERT, [run_id, step])).fetchone()
    await connection.execute(COUNT, [step])
    assert row is not None
    return int(row[0])


def write_plainly(connection: psycopg.Connection[Any], run_id: str, step: str) -> int:
    """The same."""
    row = connection.execute(INSERT, [run_id, step]).fetchone()
    connection.execute(COUNT, [step])
    assert row is not None
    return int(row[0])


@app.job(id="async-order", version="1.0.0", on=event_trigger("order.async"))
async def async_order(payload: Any, io: IO, ctx: Context) -> list[int]:
    """Two steps."""
    charged = await io.transaction("charge", write, ctx.run.id, "charge")
    shipped = await io.transaction("ship", write, ctx.run.id, "ship")
    return [charged, shipped]


@app.job(id="plain-order", version="1.0.0", on=event_trigger("order.plain"))
def plain_order(payload: Any, io: SyncIO, ctx: Context) -> list[int]:
    """Two steps."""
    charged = io.transaction("charge", write_plainly, ctx.run.id, "charge")
    shipped = io.transaction("ship", write_plainly, ctx.run.id, "ship")
    return [charged, shipped]


async def execute(request: JsonObject) -> JsonObject:
    """Have the endpoint answer."""
    body = request["body"].encode()
    app.database = connect if '"plain-order"' in request["body"] else connect_async
    answer = await app.endpoint.handle("POST", request["headers"], body)
    assert answer.status == 200, answer.body
    reply: JsonObject = json.loads(answer.body)
    await app.close()
    if "async" in opened:
        await opened.pop("async").close()
    if "plain" in opened:
        opened.pop("plain").close()
    return reply


def execute_in_child(request: JsonObject, write_end: int) -> None:
    """Answer one request, unless killed before; never returns."""
    try:
        kill = request.get("kill")
        if kill is not None:
            Doom.statement, Doom.moment = kill["statement"], kill["moment"]
        reply = asyncio.run(execute(request))
        os.write(write_end, json.dumps({"reply": reply, "statements": Doom.count}).encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    """Fork for each request."""
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("warm"):
            reply = asyncio.run(execute(request))
            print(json.dumps({"status": 0, "reply": reply, "statements": Doom.count}), flush=True)
            Doom.count = 0
            continue
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            execute_in_child(request, write_end)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as pipe:
            if request.get("killAfter") is not None:
                select.select([pipe], [], [], request["killAfter"])
                os.kill(pid, signal.SIGKILL)  # also when it has just ended: it is there until we have waited
            written = pipe.read()
        _, status = os.waitpid(pid, 0)
        done = json.loads(written) if written else {"reply": None}
        print(json.dumps({"status": status, **done}), flush=True)


if __name__ == "__main__":
    main()
