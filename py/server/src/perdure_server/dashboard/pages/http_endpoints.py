"""HTTP endpoints: their public URLs, the jobs behind them, and the last requests."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import deliveries, events, http_endpoints
from perdure_engine.errors import WrongState
from perdure_engine.pool import Connection
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.pages.deliveries import outcome_of
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_uuid

_SHOWN = 20


async def list_http_endpoints(visit: Visit) -> Response:
    """All of the environment, with those that are off."""
    async with visit.connection() as conn:
        found = await http_endpoints.read_http_endpoints(conn, visit.environment.id)
        urls = await _urls(visit, conn)
    return render(visit, "http_endpoints.html", found=found, urls=urls)


async def show_http_endpoint(visit: Visit) -> Response:
    """One HTTP endpoint: its URL to be copied, and what came in lately."""
    http_endpoint_id = path_uuid(visit.request, "http_endpoint_id", what="HTTP endpoint")
    async with visit.connection() as conn:
        one = await http_endpoints.read_http_endpoint(conn, visit.environment.id, http_endpoint_id)
        if one is None:
            raise HTTPException(404)
        urls = await _urls(visit, conn)
        if one.webhook_id is None:
            filter = {"name": f"httpendpoint.{one.key}"}
            found = (await events.find_events(conn, visit.environment.id, filter, take=_SHOWN)).events
            requests = []
        else:
            found = []
            requests = await deliveries.list_deliveries(
                conn, visit.environment.id, one.webhook_id, limit=_SHOWN
            )
    return render(
        visit,
        "http_endpoint.html",
        one=one,
        url=urls.get(one.key),
        events=found,
        requests=[(row, outcome_of(row)) for row in requests],
    )


async def _urls(visit: Visit, conn: Connection) -> dict[str, str]:
    """The URLs of those that take requests; none as long as the server's own is not known."""
    try:
        found = json.loads(await http_endpoints.list_http_endpoints(conn, visit.environment.id))
    except WrongState:
        return {}
    return {one["id"]: one["url"] for one in found}


_PATH = f"{ENVIRONMENT}/triggers/http-endpoints"
PAGES = (
    Page(_PATH, list_http_endpoints, Needs.VIEWER, live_s=5),
    Page(f"{_PATH}/{{http_endpoint_id}}", show_http_endpoint, Needs.VIEWER, live_s=3),
)
