"""Executions over a connection: what an app without a URL can do, and what happens when things break."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from perdure import IO, Perdure, Retry, SyncIO, TaskOptions, cron_trigger, event_trigger, make_event
from perdure.errors import ConnectionRefused
from tests.support.database import Database
from tests.support.fix_outage import Outage
from tests.support.waiting import eventually_async

from .conftest import World, connected

ON_GREET = event_trigger("greet")


async def until_statuses(world: World, *statuses: str, timeout_s: float = 10) -> None:
    await eventually_async(
        lambda: world.statuses() == list(statuses), timeout_s=timeout_s, what=f"runs {statuses}"
    )


def blocked(db: Database) -> bool:
    """Whether a session waits for a lock."""
    waits: bool = db.value("select exists (select 1 from pg_locks where not granted)")
    return waits


class Gate:
    """Lets a job wait in the middle, and a test know that it does."""

    def __init__(self) -> None:
        self.calls = 0
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        self.entered.set()
        await self.opened.wait()
        return self.calls


@pytest.fixture
def gate() -> Gate:
    return Gate()


def gated(app: Perdure, gate: Gate) -> Perdure:
    """The app with a job that waits at the gate, between two tasks."""

    @app.job(id="gated", version="1.0.0", on=ON_GREET)
    async def job(payload: dict[str, Any], io: IO) -> int:
        await io.run_task("before", lambda: 1)
        passed = await gate()
        await io.run_task("after", lambda: 2)
        return passed

    return app


async def test_a_claim_that_takes_its_time_leaves_the_other_slots_to_others(
    world: World,
) -> None:
    app = world.app()

    @app.job(id="greet", version="1.0.0", on=ON_GREET)
    async def greet(payload: dict[str, Any], io: IO) -> None:
        pass

    async with connected(app, slots=4):
        # Somebody else sends the same event, and has not committed yet.
        with Database(world.db.url) as other, other.connection.transaction():
            other.call("send_events", world.environment.id, [{"name": "other", "id": "e-1"}])
            late = asyncio.create_task(app.send_event("greet", {}, id="e-1"))
            await eventually_async(lambda: blocked(world.db), what="the event waits for a lock")
            world.db.call("send_events", world.environment.id, [{"name": "greet", "id": "e-2"}])
            await until_statuses(world, "SUCCESS")
            assert not late.done()
        await late
    assert world.db.call("doctor") == []


async def test_a_run_with_tasks_and_a_wait(world: World, dispatcher: None) -> None:
    app = world.app()
    calls: list[str] = []

    @app.job(id="greet", version="1.0.0", on=ON_GREET)
    async def greet(payload: dict[str, str], io: IO) -> str:
        first = await io.run_task("first", lambda: calls.append("first") or "Ada")
        await io.wait("a moment", timedelta(seconds=0.2))
        together = await asyncio.gather(*(io.run_task(f"n{n}", lambda n=n: n) for n in range(5)))
        return f"{first} {sum(together)} {payload['word']}"

    async with connected(app):
        assert app.api.is_gathering  # what is sent together is one message
        await app.send_event("greet", {"word": "hello"})
        await until_statuses(world, "SUCCESS")
    assert not app.api.is_gathering
    assert world.db.value("select output from perdure.runs") == "Ada 10 hello"
    assert calls == ["first"]
    assert world.db.call("doctor") == []


async def test_a_task_is_tried_again_when_it_is_due(world: World, dispatcher: None) -> None:
    app = world.app()
    tries: list[int] = []

    def flaky() -> int:
        tries.append(len(tries))
        if len(tries) < 3:
            raise ValueError("not yet")
        return len(tries)

    @app.job(id="greet", version="1.0.0", on=ON_GREET)
    async def greet(payload: Any, io: IO) -> int:
        retry = Retry(min_delay_s=0.2, randomize=False)
        return await io.run_task("flaky", flaky, options=TaskOptions(retry=retry))

    async with connected(app):
        await app.send_event("greet", {})
        await until_statuses(world, "SUCCESS", timeout_s=8)  # a dispatcher that is not told looks after 15 s
    assert world.db.value("select output from perdure.runs") == 3


async def test_steps_of_many_runs_go_together(world: World, dispatcher: None) -> None:
    app = world.app()
    app.api.patience_s = 20
    together = asyncio.Barrier(20)

    @app.job(id="greet", version="1.0.0", on=ON_GREET)
    async def greet(payload: Any, io: IO) -> int:
        await together.wait()
        return await io.run_task("n", lambda: payload["n"])

    async with connected(app):
        paths: list[str] = []
        request = app.api.http.request

        async def counted(method: str, url: str, *rest: Any, **options: Any) -> Any:
            paths.append(urlsplit(url).path)
            return await request(method, url, *rest, **options)

        app.api.http.request = counted  # type: ignore[method-assign]
        await app.send_events([make_event("greet", {"n": n}) for n in range(20)])
        await until_statuses(world, *["SUCCESS"] * 20)
    assert paths.count("/api/v1/tasks") == 1
    assert len(paths) == 2  # the events are the other
    outputs = world.db.value("select json_agg(output::text::int order by id) from perdure.runs")
    assert sorted(outputs) == list(range(20))


async def test_a_plain_job_and_its_hook(world: World) -> None:
    app = world.app()
    told = asyncio.Event()

    @app.job(id="plain", version="1.0.0", on=ON_GREET)
    def plain(payload: dict[str, Any], io: SyncIO) -> int:
        return io.run_task("add", lambda: 1 + 1)

    @plain.on_success
    async def done(notification: Any) -> None:
        told.set()

    async with connected(app):
        await app.send_event("greet", {})
        await until_statuses(world, "SUCCESS")
        async with asyncio.timeout(10):
            await told.wait()


async def test_runs_wait_until_an_app_is_connected(world: World, gate: Gate) -> None:
    app = gated(world.app(), gate)
    gate.opened.set()
    async with connected(app):
        pass
    await app.send_event("greet", {})
    assert world.statuses() == ["QUEUED"]
    async with connected(app):
        await until_statuses(world, "SUCCESS")


async def test_what_is_under_way_outlives_the_server(world: World, gate: Gate) -> None:
    """The app goes on, comes to the next server, and hands in there what it did; nothing is called twice."""
    with world.other_server() as url:
        port = int(url.rsplit(":", 1)[1])
        world.url = url
        app = gated(world.app(), gate)
        connection = app.connection()
        running = asyncio.create_task(connection.run())
        await eventually_async(lambda: connection.is_connected)
        await app.send_event("greet", {})
        await asyncio.wait_for(gate.entered.wait(), 10)
    await eventually_async(lambda: not connection.is_connected)
    gate.opened.set()
    with world.other_server(port):
        await until_statuses(world, "SUCCESS")
        connection.stop()
        await running
    assert gate.calls == 1
    assert world.db.value("select output from perdure.runs") == 1


async def test_an_app_that_dies_is_replaced_by_another(world: World, dispatcher: None) -> None:
    dying, living = Gate(), Gate()
    living.opened.set()
    first = gated(world.app(), dying).connection()
    running = asyncio.create_task(first.run())
    await eventually_async(lambda: first.is_connected)
    await world.app().send_event("greet", {})
    await asyncio.wait_for(dying.entered.wait(), 10)
    running.cancel()
    await asyncio.wait([running])
    async with connected(gated(world.app(), living)):
        await until_statuses(world, "SUCCESS", timeout_s=20)
    assert (dying.calls, living.calls) == (1, 1)


async def test_what_is_under_way_outlives_an_outage_of_the_database(
    world: World, gate: Gate, outage: Outage
) -> None:
    app = gated(world.app(), gate)
    async with connected(app):
        await app.send_event("greet", {})
        await asyncio.wait_for(gate.entered.wait(), 10)
        outage.begin()
        gate.opened.set()
        await asyncio.sleep(0.5)  # long enough for what comes next to fail
        outage.end()
        await until_statuses(world, "SUCCESS")
    assert gate.calls == 1


async def test_stopping_waits_for_what_is_under_way(world: World, gate: Gate) -> None:
    app = gated(world.app(), gate)
    connection = app.connection(slots=1)  # full: no claim can be under way when it is stopped
    running = asyncio.create_task(connection.run())
    await eventually_async(lambda: connection.is_connected)
    await app.send_event("greet", {})
    await asyncio.wait_for(gate.entered.wait(), 10)
    connection.stop()
    await app.send_event("greet", {})
    gate.opened.set()
    await running
    assert world.statuses() == ["SUCCESS", "QUEUED"]


async def test_apps_of_one_name_share_the_runs(world: World) -> None:
    calls = {"one": 0, "two": 0}
    both = asyncio.Event()

    def make(name: str) -> Perdure:
        app = world.app()

        @app.job(id="share", version="1.0.0", on=ON_GREET)
        async def share(payload: dict[str, Any], io: IO) -> None:
            calls[name] += 1
            if all(calls.values()):
                both.set()
            await both.wait()  # not before each has one

        return app

    one, two = make("one"), make("two")
    async with connected(one, slots=5), connected(two, slots=5):
        await one.send_events([make_event("greet", {}) for _ in range(10)])
        await until_statuses(world, *["SUCCESS"] * 10)
    assert sum(calls.values()) == 10


async def test_a_run_that_is_cancelled_is_let_go(world: World, gate: Gate) -> None:
    app = world.app()
    ended = asyncio.Event()
    undone: list[int] = []

    @app.job(id="endless", version="1.0.0", on=ON_GREET)
    async def endless(payload: dict[str, Any], io: IO) -> None:
        await io.run_task("begun", lambda: 1, options=TaskOptions(compensate=undone.append))
        try:
            gate.entered.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with connected(app):
        await app.send_event("greet", {})
        await asyncio.wait_for(gate.entered.wait(), 10)
        run_id = str(world.db.value("select id from perdure.runs"))
        await app.cancel_run(run_id)
        await asyncio.wait_for(ended.wait(), 15)
    assert (world.statuses(), undone) == (["CANCELED"], [])


async def test_an_unknown_key_is_refused(world: World) -> None:
    app = Perdure("worker", api_url=world.url, api_key="tr_prod_0000")
    with pytest.raises(ConnectionRefused, match="the API key is unknown"):
        await app.connection().run()


async def test_an_app_whose_declarations_are_refused(world: World) -> None:
    app = world.app()

    @app.job(id="nightly", version="1.0.0", on=cron_trigger("61 * * * *"))
    async def nightly(payload: Any, io: IO) -> None:
        raise AssertionError("never called")

    with pytest.raises(ConnectionRefused, match="61"):
        await app.connection().run()


async def test_the_server_asks_a_connected_app_what_it_has(world: World, gate: Gate) -> None:
    app = gated(world.app(), gate)
    path = f"{world.url}/api/v1/endpoints/worker/index"
    key = {"authorization": f"Bearer {world.environment.key}"}
    async with httpx.AsyncClient(headers=key, timeout=20, trust_env=False) as client:
        async with connected(app):
            read = (await client.post(path, json={})).json()
            assert (read["status"], read["stats"]["jobs"]) == ("SUCCESS", 1)
        failed = (await client.post(path, json={})).json()
    assert failed["status"] == "FAILURE"
    assert "not connected to this server" in failed["error"]["message"]
