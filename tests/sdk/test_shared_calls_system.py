"""Runs side by side in one event loop, over the real server: few requests, and nothing lost when it dies."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from perdure import IO, Perdure, event_trigger
from perdure.wire.signing import derive_signing_secret
from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.sdk.fake_platform import post
from tests.support.builders import Builders, Claim
from tests.support.http_server import reset_connection, serve
from tests.support.signed_requests import signed

RUNS = 20
STEPS = 10
SHARED = "/api/v1/tasks"


class CountedServer:
    """The server, which can die, and how often each of its paths was asked."""

    def __init__(self, db_url: str) -> None:
        self._settings = Settings(db_url, access_log=False, database_timeout_s=10)
        self._running = ExitStack()
        self.requests: Counter[str] = Counter()
        self.dies_at: int | None = None
        """With which call for many runs, after that has been carried out."""
        self.dead = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._is_dead = False
        self.url = self._start(0)

    def _start(self, port: int) -> str:
        self._app = create_app(self._settings)
        return self._running.enter_context(serve(self, port=port))

    def stop(self) -> None:
        """Its port refuses connections then."""
        self._running.close()

    def start_again(self) -> None:
        """At the same address."""
        self._is_dead = False
        self._start(urlsplit(self.url).port or 0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        self.requests[path] += 1
        if path == SHARED and self.requests[path] == self.dies_at:

            async def unheard(message: Any) -> None:
                pass

            await self._app(scope, receive, unheard)
            self._is_dead = True
            self._loop.call_soon_threadsafe(self.dead.set)
        if self._is_dead and scope["type"] == "http":
            reset_connection(scope)
            return
        await self._app(scope, receive, send)


@pytest.fixture
async def server(db_url: str) -> AsyncIterator[CountedServer]:
    server = CountedServer(db_url)
    yield server
    await asyncio.to_thread(server.stop)


class Side:
    """An app whose runs execute side by side here."""

    def __init__(self, server: CountedServer, builders: Builders) -> None:
        self.builders = builders
        self.endpoint = builders.endpoint()
        self._key = self.endpoint.environment.key
        self.app = app = Perdure("app", api_url=server.url, api_key=self._key, patience_s=20)
        self.called: Counter[tuple[str, int]] = Counter()

        @app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
        async def greet(payload: Any, io: IO) -> list[list[Any]]:
            return [await io.run_task(["n", n], self._work, payload["name"], n) for n in range(STEPS)]

    def _work(self, name: str, number: int) -> list[Any]:
        self.called[name, number] += 1
        return [name, number]

    def claims(self) -> list[Claim]:
        """New runs, claimed."""
        for n in range(RUNS):
            self.builders.run(self.endpoint, payload={"name": f"run {n}"})
        return self.builders.claims(RUNS)

    async def execute(self, claim: Claim) -> Any:
        """The reply."""
        body = json.dumps(claim.body).encode()
        response = await post(
            self.app, signed("EXECUTE_JOB", body, secrets=[derive_signing_secret(self._key)])
        )
        return response.json()

    def stored(self, run_id: str) -> list[Any]:
        """What the run's tasks returned."""
        rows = self.builders.db.rows(
            "select output from perdure.tasks where run_id = %s and status = 'COMPLETED' order by id", run_id
        )
        return [row.output for row in rows]


@pytest.fixture
async def side(server: CountedServer, builders: Builders) -> AsyncIterator[Side]:
    side = Side(server, builders)
    yield side
    await side.app.close()


def results(claim: Claim) -> list[list[Any]]:
    name = claim.body["event"]["payload"]["name"]
    return [[name, n] for n in range(STEPS)]


async def test_runs_side_by_side_take_few_requests(server: CountedServer, side: Side) -> None:
    claims = side.claims()
    replies = await asyncio.gather(*map(side.execute, claims))
    for claim, reply in zip(claims, replies, strict=True):
        assert reply == {"status": "SUCCESS", "output": results(claim)}
        assert side.stored(claim.run_id) == results(claim)
    assert server.requests.total() < RUNS * STEPS / 2, server.requests
    assert server.requests[SHARED] > 0


async def test_a_run_that_lost_its_lease_ends_alone(side: Side) -> None:
    claims = side.claims()
    lost = claims[7]
    assert lost.apply("UNREACHABLE", message="gone") is not None  # somebody else has it
    replies = await asyncio.gather(*map(side.execute, claims))
    for claim, reply in zip(claims, replies, strict=True):
        if claim is lost:
            assert reply == {"status": "CANCELED"}
            assert side.stored(claim.run_id) == []
        else:
            assert reply == {"status": "SUCCESS", "output": results(claim)}


async def test_a_server_that_dies_with_a_call_under_way_loses_nothing(
    server: CountedServer, side: Side
) -> None:
    claims = side.claims()
    server.dies_at = 4
    executions = asyncio.gather(*map(side.execute, claims))
    async with asyncio.timeout(20):
        await server.dead.wait()
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(0)
        assert not executions.done()
        await asyncio.to_thread(server.start_again)
        replies = await executions
    for claim, reply in zip(claims, replies, strict=True):
        assert reply == {"status": "SUCCESS", "output": results(claim)}
        assert side.stored(claim.run_id) == results(claim)
    assert len(side.called) == RUNS * STEPS
    assert set(side.called.values()) == {1}
