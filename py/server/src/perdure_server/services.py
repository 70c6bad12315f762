"""What handlers work with: the settings, the database, the grouped writes and the client for endpoints."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import httpx
from starlette.requests import HTTPConnection

from perdure_engine import environments, run_tokens
from perdure_engine.environments import Caller
from perdure_engine.errors import NotMigrated, translated
from perdure_engine.migrator.source import Migration, default_source
from perdure_engine.pool import Connection, Pool, open_pool
from perdure_engine.sealing import SecretBox
from perdure_server.callers import Callers
from perdure_server.connect.connector import Connector
from perdure_server.connect.questions import SCHEME, ConnectedTransport
from perdure_server.endpoint_client import EndpointClient
from perdure_server.grouped_writes import EventSender, TaskWriter
from perdure_server.oidc_provider import OidcProvider
from perdure_server.rate_limit import RateLimiter
from perdure_server.run_watch import RunWatch
from perdure_server.settings import Settings
from perdure_server.stopping import Stopping

ROLE = "perdure_server"
RUN_TOKEN = "rt_"
"""How tokens for one run begin; secret keys begin with tr_, public ones with pk_."""
_DRAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Services:
    """Made when the app starts, shared by all requests, closed when it stops."""

    settings: Settings
    pool: Pool
    endpoints: EndpointClient
    callers: Callers
    tasks: TaskWriter
    events: EventSender
    run_watch: RunWatch
    connector: Connector
    secrets: SecretBox
    rate_limiter: RateLimiter | None
    oidc: OidcProvider | None
    migrations: tuple[Migration, ...]  # of this release
    stopping: Stopping = field(default_factory=Stopping)

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one request, in autocommit: every engine call is a transaction.

        Raises:
            DatabaseUnavailable: none in time.
        """
        return self.pool.connection()

    async def check_ready(self) -> None:
        """Make sure that requests can be served.

        Raises:
            DatabaseUnavailable: the database does not answer.
            NotMigrated: it is not Perdure's, or of an older release.
        """
        async with self.connection() as conn:
            await environments.authenticate(conn, "")
            with translated():
                cursor = await conn.execute("select number from perdure_views.migrations")
                applied = {number for (number,) in await cursor.fetchall()}
        missing = [migration.label for migration in self.migrations if migration.number not in applied]
        if missing:
            raise NotMigrated(f"the database lacks {', '.join(missing)}: run `perdure migrate` on it")


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything; on leaving, finish the writes under way and close it.

    Raises:
        DatabaseUnavailable: the database does not answer.
        NotMigrated: it is not Perdure's.
    """
    pool = await open_pool(
        settings.database_url,
        role=ROLE,
        max_size=settings.pool_size,
        application_name="perdure-server",
        patience_s=settings.database_timeout_s,
    )

    async def authenticate(key: str) -> Caller | None:
        if key.startswith(RUN_TOKEN):
            return await _token_caller(pool, key)
        return await environments.authenticate(pool, key)

    box = SecretBox.from_setting(settings.secret_keys)
    connector = Connector(
        url=settings.database_url, role=ROLE, name=server_name(), connect=pool.connection, box=box
    )
    mounts = {SCHEME: ConnectedTransport(connector)}
    client = httpx.AsyncClient(timeout=None, follow_redirects=False, mounts=mounts)  # noqa: S113
    async with pool, client:
        if settings.public_url is not None:  # the engine makes the URLs of sources from it
            async with pool.connection() as conn:
                await environments.set_setting(conn, "public_url", settings.public_url)
        services = Services(
            settings=settings,
            pool=pool,
            endpoints=EndpointClient(
                client, timeout_s=settings.endpoint_timeout_s, answer_limit=settings.endpoint_answer_limit
            ),
            callers=Callers(authenticate),
            tasks=TaskWriter(pool),
            events=EventSender(pool, [connector]),
            run_watch=RunWatch(pool),
            connector=connector,
            secrets=box,
            rate_limiter=RateLimiter(settings.rate_limit) if settings.rate_limit else None,
            oidc=OidcProvider(settings.oidc, client) if settings.oidc else None,
            migrations=tuple(default_source().migrations),
        )
        connecting = asyncio.create_task(connector.run(), name="connector")
        try:
            yield services
        finally:
            connecting.cancel()
            await asyncio.wait([connecting])
        await connector.drain(_DRAIN_S)
        await services.tasks.drain()
        await services.events.drain()


async def _token_caller(pool: Pool, token: str) -> Caller | None:
    async with pool.connection() as conn:
        holder = await run_tokens.authenticate_run_token(conn, token)
    if holder is None:
        return None
    return Caller(
        environment_id=holder.environment_id,
        kind="RUN",
        environment_slug=holder.environment_slug,
        environment_type=holder.environment_type,
        project_slug=holder.project_slug,
        organization_slug=holder.organization_slug,
        api_key_id=holder.environment_id,  # all tokens of an environment share one rate limit
        run_id=holder.run_id,
    )


def server_name() -> str:
    """A name that leads a person to the process, for leases: host:pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


def services_of(request: HTTPConnection) -> Services:
    """The services of the app that this request came to."""
    services: Services = request.scope["app"].services
    return services
