"""What a dispatcher does with claimed runs when it sends them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from perdure.wire.http import HttpResponse
from perdure.wire.signing import derive_signing_secret
from perdure_dispatcher.batches import Batches
from perdure_dispatcher.clients import Clients
from perdure_engine.runs import ClaimedRun
from tests.dispatcher.batches.scripted_app import App
from tests.support.waiting import eventually_async

SECRETS = [derive_signing_secret("tr_prod_a"), derive_signing_secret("tr_prod_b")]
MOST_RESPONSE_BYTES = 2000


@asynccontextmanager
async def sending() -> AsyncIterator[Batches]:
    clients = Clients()
    yield Batches(clients, max_response_bytes=MOST_RESPONSE_BYTES)
    await clients.close()


def claim(app: App, body: bytes = b"{}", **changes: Any) -> ClaimedRun:
    return ClaimedRun(
        **{
            "run_id": "run",
            "lease_number": 1,
            "endpoint_id": "endpoint",
            "url": app.url,
            "timeout_ms": 20_000,
            "signing_secrets": SECRETS,
            "sealed_api_key": None,
            "sealed_connections": None,
            "body": body,
            **changes,
        }
    )


def numbered(app: App, count: int, **changes: Any) -> list[ClaimedRun]:
    return [claim(app, b'{"n": %d}' % number, **changes) for number in range(count)]


async def send_all(batches: Batches, claims: list[ClaimedRun], **options: Any) -> list[Any]:
    """An answer or an exception for each, all sent in the same turn of the loop."""
    sends = (batches.send(one, one.body, options.get("api_key")) for one in claims)
    return await asyncio.gather(*sends, return_exceptions=True)


async def wait_until_cut(app: App) -> None:
    """Long before the time is over that the executions may take."""
    await eventually_async(lambda: app.requests[0].was_cut, timeout_s=10, what="the request cut")


def bodies(answers: list[Any]) -> list[Any]:
    return [answer.body if isinstance(answer, HttpResponse) else answer for answer in answers]


def kinds(answers: list[Any]) -> list[type]:
    return [type(answer) for answer in answers]
