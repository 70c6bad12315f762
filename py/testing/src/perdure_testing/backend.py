"""The platform without a process of its own: engine, API and dispatcher over one database, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.string import TextLoader

from perdure.wire.http import HttpClient, HttpResponse, HttpTransport
from perdure_dispatcher.clients import Clients, OutsideClient
from perdure_dispatcher.deliveries import Deliveries
from perdure_dispatcher.executions import Executions
from perdure_dispatcher.settings import Settings as DispatcherSettings
from perdure_dispatcher.wake import Wake
from perdure_dispatcher.work import Work
from perdure_engine import endpoints, environments
from perdure_engine.maintenance import promote_due
from perdure_engine.pool import open_pool
from perdure_engine.sealing import new_secret_key
from perdure_server.app import create_app
from perdure_server.endpoint_client import EndpointClient
from perdure_server.settings import Settings as ServerSettings
from perdure_testing.app_transport import AppTransport
from perdure_testing.apps import PUBLIC_URL
from perdure_testing.asgi_call import call_asgi

_SDK = b'{"name": "perdure", "version": "test"}'
_PROJECT = "tests"
_KEPT = ("migrations", "function_sets", "settings")
_MOST_STEPS = 100_000
_LONGEST_EXECUTION_S = 3600.0


class NeverQuiet(Exception):
    """The platform has always something to do at once, so that no step is the last."""


@dataclass(frozen=True, slots=True)
class TestEnvironment:
    """An environment without anything in it, and its secret key."""

    __test__ = False

    id: str
    key: str


class Backend:
    """Everything but the apps. All methods are to be called in one event loop.

    Nothing happens by itself: ``settle`` does all there is to do, one thing after the other, and the clock
    stands still until ``advance``.

    Args:
        database_url: a database with the test clock, as a superuser; nobody else uses it.
        endpoints: sends requests to the apps.
        outside: sends all other requests.
    """

    def __init__(self, database_url: str, endpoints: HttpTransport, outside: Any) -> None:
        self.database_url = database_url
        secret_keys = new_secret_key()
        self._server_settings = ServerSettings(
            database_url, public_url=PUBLIC_URL, access_log=False, secret_keys=secret_keys, pool_size=4
        )
        self._settings = DispatcherSettings(database_url, name="perdure_testing", secret_keys=secret_keys)
        self._endpoints = endpoints
        self._outside = outside
        self._stack = AsyncExitStack()
        self._server = create_app(self._server_settings)
        self._reset_statement = sql.Composed([])

    async def open(self) -> None:
        """Connect and start."""
        self._admin: psycopg.AsyncConnection[DictRow] = await self._stack.enter_async_context(
            await psycopg.AsyncConnection[DictRow].connect(
                self.database_url, autocommit=True, row_factory=dict_row
            )
        )
        self._admin.adapters.register_loader("uuid", TextLoader)
        await self._stack.enter_async_context(self._server.router.lifespan_context(self._server))
        client = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=AppTransport(self._endpoints))
        )
        asking = EndpointClient(
            client,
            timeout_s=self._server_settings.endpoint_timeout_s,
            answer_limit=self._server_settings.endpoint_answer_limit,
        )
        self._server.services = replace(self._server.services, endpoints=asking)
        self._pool = await self._stack.enter_async_context(
            await open_pool(
                self.database_url, role="perdure_dispatcher", max_size=2, application_name="perdure_testing"
            )
        )
        clients = Clients()
        clients.endpoints = cast(HttpClient, self._endpoints)
        clients.outside = cast(OutsideClient, self._outside)
        wake = Wake(max_sleep_s=1.0)
        self._executions = Executions(self._pool, clients, self._settings, wake, slots=1)
        self._deliveries = Deliveries(self._pool, clients, self._settings, wake, slots=1)
        tables = await self._rows(
            "select c.relname as name from pg_class as c where c.relnamespace = 'perdure'::regnamespace"
            " and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all(%s)",
            [list(_KEPT)],
        )
        self._reset_statement = sql.SQL("; ").join(
            sql.SQL("delete from perdure.{}").format(sql.Identifier(table["name"])) for table in tables
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._stack.aclose()

    async def clear(self) -> None:
        """Drop what tests have made in the schema public; waits some seconds for who uses it."""
        async with self._admin.transaction():
            await self._admin.execute("set local lock_timeout = '5s'")
            await self._admin.execute("drop schema public cascade")
            await self._admin.execute("create schema public authorization pg_database_owner")
            await self._admin.execute("grant usage on schema public to public")

    async def reset(self) -> TestEnvironment:
        """Forget everything, let the clock stand at the present, and make an environment."""
        async with self._admin.transaction():
            await self._admin.execute("set local session_replication_role = replica")
            await self._admin.execute(self._reset_statement)
            await self._admin.execute("delete from pgmq.q_perdure_ready_runs")
            await self._admin.execute(
                "update perdure_test.clock set offset_by = '0', stopped_at = statement_timestamp()"
            )
        # Of the production kind: in development the first lost connection to an app ends the run.
        await self._rows("select perdure.create_project('tests', %s)", [_PROJECT])
        async with self._server.services.connection() as conn:
            environment_id = await environments.get_environment(conn, _PROJECT, "prod")
        (key,) = await self._rows("select perdure.create_api_key(%s::uuid) as key", [environment_id])
        return TestEnvironment(environment_id, key["key"])

    async def register(self, environment_id: str, slug: str, url: str, manifest: bytes) -> None:
        """Make an app known, or what has changed in it."""
        async with self._server.services.connection() as conn:
            await endpoints.register_endpoint(conn, environment_id, slug, url)
            access = await endpoints.get_endpoint_access(conn, environment_id, slug)
            await endpoints.index_endpoint(conn, access.endpoint_id, manifest, _SDK)
        # Reading the jobs once an hour is nothing that a test waits for.
        await self._admin.execute("delete from perdure.deliveries where kind = 'INDEX'")

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> HttpResponse:
        """A request to the API."""
        return await call_asgi(self._server, method, url, headers, body or b"")

    async def settle(self) -> int | None:
        """Do all that is ready or due, one thing after the other, and what follows from it.

        Returns: milliseconds until the next thing is due; None: time alone brings nothing.
        Raises:
            NeverQuiet: there is no end to it.
        """
        for _ in range(_MOST_STEPS):
            async with self._pool.connection() as conn:
                promotion = await promote_due(conn)
            moved = promotion.promoted_runs + promotion.delivered_events + promotion.reaped_leases
            # In this order: what a claim of deliveries ends by itself makes runs ready.
            delivered = await self._step(self._deliveries)
            executed = await self._step(self._executions)
            if not (moved or executed or delivered):
                return promotion.next_due_ms
        raise NeverQuiet(
            f"there was something to do at once {_MOST_STEPS} times in a row: is a run in a loop?"
        )

    async def advance(self, by: timedelta) -> None:
        """Move the clock; nothing else happens."""
        await self._rows("update perdure_test.clock set offset_by = offset_by + %s returning 1", [by])

    async def now(self) -> datetime:
        """What the platform takes for the present."""
        (row,) = await self._rows("select perdure.clock() as now")
        now: datetime = row["now"]
        return now

    async def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Whatever a query finds."""
        return await self._rows(query, parameters)

    async def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        cursor = await self._admin.execute(query.encode(), parameters)
        return await cursor.fetchall()

    async def _step(self, work: Work[Any]) -> bool:
        """Claim one thing and see it through; False: there is none."""
        await work.claim()
        if not work.slots.held:
            return False
        await work.slots.wait_empty(_LONGEST_EXECUTION_S)
        return True
