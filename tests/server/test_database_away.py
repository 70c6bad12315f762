"""The database restarts, or is away, while requests come in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from perdure_server.settings import Settings
from tests.server.conftest import error_of, serving
from tests.support.builders import Builders
from tests.support.waiting import eventually_async

WAITING = "select count(*) from pg_locks where not granted and relation = 'perdure.events'::regclass"


@contextmanager
def bearer(client: Any, builders: Builders) -> Iterator[str]:
    endpoint = builders.endpoint()
    client.headers["authorization"] = f"Bearer {endpoint.environment.key}"
    yield endpoint.environment.id


async def test_requests_after_a_restart_find_new_connections(db_url, builders, outage):
    async with serving(Settings(db_url)) as (_, client):
        with bearer(client, builders):
            for _ in range(3):
                event = {"event": {"name": "greet"}}
                responses = await asyncio.gather(
                    *(client.post("/api/v1/events", json=event) for _ in range(5))
                )
                assert [response.status_code for response in responses] == [200] * 5
                outage.break_connections()


async def test_without_a_database_requests_are_told_to_come_again(db_url, builders, outage):
    async with serving(Settings(db_url, database_timeout_s=0.2)) as (_, client):
        with bearer(client, builders):
            outage.begin()
            for method, path in (("POST", "/api/v1/events"), ("GET", "/api/v1/runs"), ("GET", "/readyz")):
                response = await client.request(method, path, json={"event": {"name": "greet"}})
                error_of(response, 503, "DATABASE_UNAVAILABLE")
                assert response.headers["retry-after"] == "1"
            assert (await client.get("/healthz")).status_code == 200


async def test_requests_wait_for_a_database_that_comes_back_in_time(db_url, builders, outage):
    async with serving(Settings(db_url, database_timeout_s=30)) as (_, client):
        with bearer(client, builders):
            outage.begin()
            sending = asyncio.create_task(client.post("/api/v1/events", json={"event": {"name": "greet"}}))
            await asyncio.sleep(0)
            outage.end()
            assert (await sending).status_code == 200


async def test_nothing_is_stored_twice_when_clients_send_again(db, builders, outage):
    """Clients that meet 503 send the same events again: afterwards each is there once, with one run."""
    turns = asyncio.Semaphore(3)

    async def send(client: httpx.AsyncClient, event_id: str) -> None:
        async with turns:
            while True:
                response = await client.post(
                    "/api/v1/events", json={"event": {"name": "greet", "id": event_id}}
                )
                if response.status_code == 200:
                    return
                assert response.status_code == 503, response.text

    async with serving(Settings(db.url, database_timeout_s=10)) as (_, client):
        with bearer(client, builders):
            sending = [asyncio.create_task(send(client, f"e{n}")) for n in range(30)]
            for stored in (5, 10, 15):
                await eventually_async(lambda: db.value("select count(*) from perdure.events") >= stored)  # noqa: B023
                outage.break_connections()
            await asyncio.gather(*sending)
            page = (await client.get("/api/v1/runs", params={"take": "50"})).json()
            assert sorted(run["event"]["id"] for run in page["runs"]) == sorted(f"e{n}" for n in range(30))


async def test_stopping_answers_what_is_under_way(db, builders):
    """A write that waits for a lock is under way when the server stops: it is answered first."""
    running = serving(Settings(db.url))
    _, client = await running.__aenter__()
    with bearer(client, builders) as environment_id:
        with db.connection.transaction():
            db.execute("lock table perdure.events in exclusive mode")
            sending = asyncio.create_task(
                client.post("/api/v1/events", json={"event": {"name": "greet", "id": "e"}})
            )
            await eventually_async(lambda: db.value(WAITING) == 1)
            stopping = asyncio.create_task(running.__aexit__(None, None, None))
            await asyncio.sleep(0)
        assert (await sending).status_code == 200
        await stopping
        assert db.call("get_event", environment_id, "e")["id"] == "e"
