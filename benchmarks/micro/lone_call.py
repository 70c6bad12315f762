"""What a call costs a process that has slept, and has to fetch its own memory again (ADR 0059).

Beside each call of Postgres stands what it costs by the statements that take any number (ADRs 0060, 0061).
"""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.measure import Row, number_text
from benchmarks.micro.database import BenchDatabase, make_database
from perdure import IO, Perdure, event_trigger
from perdure.wire import headers
from perdure.wire.http import HttpResponse
from perdure.wire.signing import derive_signing_secret, sign
from perdure_dispatcher.endpoint_request import execute_job
from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.api.events import _own_event

ROUNDS = 150
ASLEEP_S = 0.03
API_KEY = "tr_dev_0123456789"
SECRET = derive_signing_secret(API_KEY)
INSTANT = "2026-01-01T00:00:00Z"
EVENT = b'{"name":"happened","payload":{"n":1},"context":{},"id":"0123456789"}'
EXECUTE_JOB = (
    b'{"event":{"id":"e","name":"happened","payload":{"n":1},"context":{},"timestamp":"%b","deliverAt":"%b"},'
    b'"job":{"id":"noop","version":"1.0.0"},"environment":{"id":"e","slug":"dev","type":"DEVELOPMENT"},'
    b'"organization":{"id":"o","slug":"o","title":"o"},"project":{"id":"p","slug":"p","name":"p"},'
    b'"run":{"id":"r","isTest":false,"isRetry":false,"startedAt":"%b"},"tasks":[],"perdure":{"leaseNumber":1}}'
) % ((INSTANT.encode(),) * 3)

app = Perdure("bench", api_url="http://127.0.0.1:1", api_key=API_KEY)


@app.job(id="noop", version="1.0.0", on=event_trigger("happened"))
async def noop(payload: dict[str, int], io: IO) -> int:
    """Nothing."""
    return payload["n"]


class _AtOnce:
    """Takes the place of the HTTP client: every event is stored at once."""

    async def request(self, *_: object, **__: object) -> HttpResponse:
        stored = b'"timestamp":"%b","deliverAt":"%b"}' % (INSTANT.encode(), INSTANT.encode())
        return HttpResponse(200, {}, EVENT[:-1] + b"," + stored)

    async def close(self) -> None:
        """Nothing is open."""


def run(server: EmbeddedPostgres) -> list[Row]:
    """Microseconds of each call after a sleep, and at once after the one before; the calls by turns."""
    app.api.http = _AtOnce()
    loop = asyncio.new_event_loop()

    async def nothing() -> None:
        pass

    def awaited(make: Callable[[], Coroutine[Any, Any, object]]) -> Callable[[], object]:
        return lambda: loop.run_until_complete(make())

    numbers = iter(range(10**9))

    def request() -> dict[str, str]:
        message_id = f"EXECUTE_JOB_{next(numbers)}"
        signature = sign([SECRET], message_id=message_id, timestamp=int(time.time()), body=EXECUTE_JOB)
        return {
            headers.ACTION: "EXECUTE_JOB",
            headers.PERDURE_VERSION: headers.EXTENSION_VERSION,
            **signature,
        }

    requests = iter([request() for _ in range(2 * ROUNDS)])
    calls: dict[str, Callable[[], object]] = {
        "nothing, in an event loop": awaited(nothing),
        "app: send_event": awaited(lambda: app.send_event("happened", {"n": 1})),
        "app: EXECUTE_JOB": awaited(lambda: app.endpoint.handle("POST", next(requests), EXECUTE_JOB)),
        "server: read an event": lambda: _own_event(b'{"event":%b}' % EVENT),
        "server: write EXECUTE_JOB": lambda: execute_job(EXECUTE_JOB, secrets=[SECRET], now=0.0),
        **_calls_of_postgres(make_database(server, "lone_call")),
    }
    rounds: dict[str, dict[float, list[float]]] = {name: {ASLEEP_S: [], 0.0: []} for name in calls}
    for pause_s in (ASLEEP_S, 0.0):
        for _round in range(ROUNDS):
            for name in random.sample([*calls], len(calls)) if pause_s else calls:
                time.sleep(pause_s)
                begun_ns = time.perf_counter_ns()
                calls[name]()
                rounds[name][pause_s].append((time.perf_counter_ns() - begun_ns) / 1000)
    loop.close()
    return [
        {
            "call": name,
            f"µs, after {ASLEEP_S * 1000:g} ms asleep": number_text(statistics.median(figures[ASLEEP_S])),
            "µs, awake": number_text(statistics.median(figures[0.0])),
            "rounds": {str(pause_s): figures[pause_s] for pause_s in figures},
        }
        for name, figures in rounds.items()
    ]


def _calls_of_postgres(database: BenchDatabase) -> dict[str, Callable[[], object]]:
    """Statements as the server executes them; a space in front makes a lone event any number."""
    numbers = iter(range(10**9))
    step = database.begin_step()

    def send(space: str) -> object:
        text = f'{space}[{{"name":"happened","payload":{{"n":1}},"context":{{}},"id":"{next(numbers)}"}}]'
        query = "select * from perdure.send_and_claim(%s, %s, '{}', 'bench', 100, interval '1 minute')"
        return database.rows(query, database.environment_id, text)

    def store() -> object:
        query = "select perdure.store_task(%s, %s, %s, %s, %s, %s, %s, %s)"
        return database.rows(query, *step.parts(next(numbers)))

    def upsert() -> object:
        return database.rows("select * from perdure.upsert_tasks(%s, true)", step.document(next(numbers)))

    return {
        "Postgres: send_and_claim": lambda: send(""),
        "Postgres: send_and_claim, as of many": lambda: send(" "),
        "Postgres: store_task": store,
        "Postgres: upsert_tasks": upsert,
    }
