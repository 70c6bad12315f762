"""Sources and webhooks: whether they are registered at their providers, and what came in for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import deliveries, http_endpoints, sources, webhooks
from perdure_engine.pool import Connection
from perdure_engine.sources import Source
from perdure_engine.webhooks import Webhook
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.pages.deliveries import outcome_of
from perdure_server.dashboard.paging import begins_below, listing
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_uuid

_PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a provider is to send."""

    name: str
    value: str
    wanted: bool
    registered: bool


async def list_sources(visit: Visit) -> Response:
    """All sources and webhooks, with the last request of each."""
    async with visit.connection() as conn:
        found = await sources.list_sources(
            conn, visit.environment.id, below=begins_below(visit.query), limit=_PAGE_SIZE + 1
        )
        page = listing(visit.here("/triggers/sources"), visit.query, found, _PAGE_SIZE, lambda one: one.id)
        hooks = await webhooks.list_webhooks(conn, visit.environment.id) if page.newest is None else []
        ids = [one.id for one in page.rows] + [one.id for one in hooks]
        latest = await deliveries.list_latest_deliveries(conn, visit.environment.id, ids)
    return render(
        visit,
        "sources.html",
        page=page,
        sources=[(one, source_options(one), latest.get(one.id)) for one in page.rows],
        webhooks=[(one, webhook_options(one), latest.get(one.id)) for one in hooks],
        outcome_of=outcome_of,
    )


async def show_source(visit: Visit) -> Response:
    """One source, and what came in for it."""
    async with visit.connection() as conn:
        one = await _found_source(visit, conn)
        return await _show(visit, conn, one, source_options(one), "source", one.key)


async def show_webhook(visit: Visit) -> Response:
    """One webhook, and what came in for it."""
    async with visit.connection() as conn:
        one = await _found_webhook(visit, conn)
        return await _show(visit, conn, one, webhook_options(one), "webhook", one.key)


async def register_source(visit: Visit) -> Response:
    """Have a source registered at its provider anew."""
    async with visit.connection() as conn:
        one = await _found_source(visit, conn)
    async with visit.changing("source.register", one.key) as change:
        change.before = {"registration": one.registration}
        await sources.register_source(change.conn, visit.environment.id, one.id)
        change.after = {"registration": "PENDING"}
    return visit.redirect(
        visit.here(f"/triggers/sources/{one.id}"), notice="The app is asked to register the source again."
    )


async def register_webhook(visit: Visit) -> Response:
    """Have a webhook registered at its provider anew."""
    async with visit.connection() as conn:
        one = await _found_webhook(visit, conn)
    async with visit.changing("webhook.register", one.key) as change:
        change.before = {"registration": one.registration}
        await webhooks.register_webhook(change.conn, visit.environment.id, one.id)
        change.after = {"registration": "PENDING"}
    return visit.redirect(
        visit.here(f"/triggers/webhooks/{one.id}"), notice="The app is asked to register the webhook again."
    )


def source_options(source: Source) -> list[Option]:
    """What is wanted of a source's provider, and what is registered there."""
    return [Option(**option) for option in json.loads(source.options or b"null") or []]


def webhook_options(webhook: Webhook) -> list[Option]:
    """The same of a webhook, whose configuration is lists of texts by name."""
    desired: dict[str, Any] = json.loads(webhook.desired_config)
    current: dict[str, Any] = json.loads(webhook.current_config or b"{}")
    return [
        Option(name, value, value in desired.get(name, ()), value in current.get(name, ()))
        for name in sorted({*desired, *current})
        for value in sorted({*desired.get(name, ()), *current.get(name, ())})
    ]


async def _show(
    visit: Visit, conn: Connection, one: Source | Webhook, options: list[Option], kind: str, key: str
) -> Response:
    here = visit.here(f"/triggers/{kind}s/{one.id}")
    found = await deliveries.list_deliveries(
        conn, visit.environment.id, one.id, below=begins_below(visit.query), limit=_PAGE_SIZE + 1
    )
    page = listing(here, visit.query, found, _PAGE_SIZE, lambda row: row.id)
    brought = await deliveries.list_delivery_events(conn, visit.environment.id, [row.id for row in page.rows])
    endpoint_id = None
    if isinstance(one, Webhook):
        declared = await http_endpoints.read_http_endpoints(conn, visit.environment.id)
        endpoint_id = next((row.id for row in declared if row.webhook_id == one.id), None)
    return render(
        visit,
        "source.html",
        one=one,
        kind=kind,
        here=here,
        options=options,
        http_endpoint_id=endpoint_id,
        page=page,
        rows=[
            (row, outcome_of(row), [event for event in brought if event.delivery_id == row.id])
            for row in page.rows
        ],
    )


async def _found_source(visit: Visit, conn: Connection) -> Source:
    source_id = path_uuid(visit.request, "source_id", what="source")
    one = await sources.read_source(conn, visit.environment.id, source_id)
    if one is None:
        raise HTTPException(404)
    return one


async def _found_webhook(visit: Visit, conn: Connection) -> Webhook:
    webhook_id = path_uuid(visit.request, "webhook_id", what="webhook")
    one = await webhooks.read_webhook(conn, visit.environment.id, webhook_id)
    if one is None:
        raise HTTPException(404)
    return one


_TRIGGERS = f"{ENVIRONMENT}/triggers"
PAGES = (
    Page(f"{_TRIGGERS}/sources", list_sources, Needs.VIEWER, live_s=5),
    Page(f"{_TRIGGERS}/sources/{{source_id}}", show_source, Needs.VIEWER, live_s=3),
    Page(f"{_TRIGGERS}/sources/{{source_id}}/register", register_source, Needs.MEMBER, "POST"),
    Page(f"{_TRIGGERS}/webhooks/{{webhook_id}}", show_webhook, Needs.VIEWER, live_s=3),
    Page(f"{_TRIGGERS}/webhooks/{{webhook_id}}/register", register_webhook, Needs.MEMBER, "POST"),
)
