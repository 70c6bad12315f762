"""Several servers and several apps: each run is executed once, whichever of them goes away."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from perdure import IO, Context, Perdure, event_trigger, make_event, wrap
from perdure_engine.sealing import new_secret_key
from perdure_server.app import create_app
from perdure_server.cli.local.ports import free_port
from perdure_server.cli.local.processes import Child
from perdure_server.connect.connector import GRACE
from perdure_server.connect.protocol import MessageProtocol
from perdure_server.settings import Settings
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.http_server import serve
from tests.support.waiting import eventually, eventually_async

from .balancer import balancer
from .conftest import World, connected

ON_GREET = event_trigger("greet")


class Work:
    """What apps did, and a gate that their jobs wait at, in the middle of a task."""

    def __init__(self) -> None:
        self.entered: Counter[str] = Counter()  # by app
        self.calls: Counter[tuple[str, str]] = Counter()  # by run and task
        self.gate = asyncio.Event()

    def app(self, world: World, url: str, name: str) -> Perdure:
        """An app that calls the server at this URL."""
        app = Perdure("worker", api_url=url, api_key=world.environment.key, patience_s=10)

        @app.job(id="work", version="1.0.0", on=ON_GREET)
        async def work(payload: dict[str, Any], io: IO, ctx: Context) -> str:
            async def before() -> None:
                self.calls[ctx.run.id, "before"] += 1

            async def slow() -> str:
                self.calls[ctx.run.id, "slow"] += 1
                self.entered[name] += 1
                await self.gate.wait()
                return name

            await io.run_task("before", before)
            return await io.run_task("slow", slow)

        return app


@asynccontextmanager
async def both_connected(first: Perdure, second: Perdure, *, slots: int) -> AsyncIterator[None]:
    async with first.connection(slots=slots), second.connection(slots=slots):
        yield
    await first.close()
    await second.close()


async def start_runs(app: Perdure, work: Work, count: int) -> None:
    """Start as many runs as the apps take together, and wait until all are in the middle."""
    await app.send_events([make_event("greet", {}) for _ in range(count)])
    await eventually_async(lambda: sum(work.entered.values()) >= count, what="all runs at the gate")


def assert_each_was_executed_once(world: World, work: Work, count: int) -> None:
    runs = world.db.rows("select status, execution_count from perdure_views.runs")
    assert [(run.status, run.execution_count) for run in runs] == [("SUCCESS", 1)] * count
    assert len(work.calls) == 2 * count
    assert set(work.calls.values()) == {1}
    assert world.db.call("doctor") == []


@pytest.fixture
def killable(db_url: str, world: World) -> Iterator[tuple[str, Child]]:
    """A server on the same database, as a process, and its URL."""
    port = free_port()
    server = Child(
        "server",
        [sys.executable, "-m", "perdure_server.cli", "serve", "--port", str(port)],
        variables={**os.environ, "PERDURE_DATABASE_URL": db_url},
    )
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        server.check()
        try:
            return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        eventually(is_ready, what="the server's start")
        yield url, server
    finally:
        server.kill()


async def test_apps_at_two_servers_share_the_runs(world: World, dispatcher: None) -> None:
    work = Work()
    with world.other_server() as url:
        one, two = work.app(world, world.url, "one"), work.app(world, url, "two")
        async with both_connected(one, two, slots=10):
            await start_runs(one, work, 20)
            work.gate.set()
            await eventually_async(lambda: set(world.statuses()) == {"SUCCESS"})
    assert work.entered == {"one": 10, "two": 10}
    assert_each_was_executed_once(world, work, 20)


async def test_executions_outlive_a_server_that_is_killed(
    world: World, dispatcher: None, killable: tuple[str, Child]
) -> None:
    """The app goes on with the other server: it knows what the app has, and takes the answers."""
    work = Work()
    url, server = killable
    async with balancer(url, world.url) as common_url:
        one, two = work.app(world, common_url, "one"), work.app(world, world.url, "two")
        async with both_connected(one, two, slots=4):
            await start_runs(two, work, 8)
            server.kill()
            work.gate.set()
            await eventually_async(lambda: set(world.statuses()) == {"SUCCESS"})
            await two.send_event("greet", {})  # nobody is left out of what comes next
            await eventually_async(lambda: world.statuses() == ["SUCCESS"] * 9)
    assert_each_was_executed_once(world, work, 9)


async def test_the_next_server_keeps_what_an_app_has_from_being_taken_back(world: World) -> None:
    """The lease was cut short when the connection was lost; it is renewed when the app is back, not later."""
    work = Work()
    left = "select extract(epoch from min(expires_at) - perdure.clock()) from perdure.leases"
    with ExitStack() as first_server:
        url = first_server.enter_context(world.other_server())
        async with balancer(url, world.url) as common_url:
            app = work.app(world, common_url, "one")
            async with app.connection() as connection:
                await start_runs(app, work, 1)
                first_server.close()
                await eventually_async(lambda: not connection.is_connected)
                assert world.db.value(left) <= GRACE.total_seconds()
                await eventually_async(lambda: connection.is_connected)
                await eventually_async(lambda: world.db.value(left) > GRACE.total_seconds(), timeout_s=3)
                work.gate.set()
            await app.close()
    assert_each_was_executed_once(world, work, 1)


async def test_accounts_that_the_platform_keeps_come_with_the_execution(
    db: Database, db_url: str, builders: Builders
) -> None:
    settings = Settings(db_url, database_timeout_s=10, secret_keys=new_secret_key())
    with (
        serve(create_app(settings), ws=MessageProtocol) as url,
        serve(create_app(settings), ws=MessageProtocol) as other_url,
    ):
        world = World(db, builders.environment("prod"), url, settings)
        chat = wrap("chat", connect=lambda credentials: credentials.token, auth="HOSTED")
        app = world.app()

        @app.job(id="post", version="1.0.0", on=ON_GREET, integrations=[chat])
        async def post(payload: dict[str, Any], io: IO) -> str:
            return await chat.of(io).with_client("token", lambda client: client)

        async with connected(app):
            await app.send_event("greet", {})
            assert world.statuses() == ["WAITING_ON_CONNECTIONS"]
            key = {"authorization": f"Bearer {world.environment.key}"}
            path = f"{other_url}/api/v1/integrations/chat/connections"
            account = {"accessToken": "xoxb-1", "type": "oauth2"}
            async with httpx.AsyncClient(headers=key, trust_env=False) as client:
                assert (await client.post(path, json=account)).status_code == 200
            await eventually_async(lambda: world.statuses() == ["SUCCESS"])
    assert db.value("select output from perdure.runs") == "xoxb-1"
