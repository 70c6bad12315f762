"""HTTP endpoints, where raw requests come in: one call for each SQL function. JSON is in wire shape."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """An HTTP endpoint as people see it."""

    id: str
    endpoint: str
    key: str
    title: str | None
    source: str
    enabled: bool
    immediate_response_filter: bytes | None
    skip_triggering_runs: bool
    webhook: str | None
    webhook_id: str | None
    jobs: list[str]


_HTTP_ENDPOINTS = """
    select
        h.id, h.endpoint, h.key, h.title, h.source, h.enabled, h.immediate_response_filter,
        h.skip_triggering_runs, h.webhook, h.webhook_id, h.jobs
    from perdure_views.http_endpoints as h
"""


async def list_http_endpoints(conn: Connection, environment_id: str) -> bytes:
    """The environment's HTTP endpoints, a JSON array of ``{id, url}``; ``id`` is the app's name for it.

    Raises:
        WrongState: the server's public URL is not set.
    """
    found: bytes = await fetch_value(conn, "select perdure.list_http_endpoints(%s)", [environment_id])
    return found


async def receive_http_endpoint_request(
    conn: Connection,
    http_endpoint_id: str,
    environment_slug: str,
    shortcode: str,
    request: bytes,
    body: bytes | None = None,
    answered: bool = False,
) -> bytes:
    """Take a request, or hand it back because the app wants to answer it; returns ``{outcome, …}``.

    Args:
        conn: a connection of the server.
        http_endpoint_id: as the URL names it.
        environment_slug: as the URL names the environment.
        shortcode: likewise.
        request: ``{url, method, headers, rawBody}``.
        body: as received, if ``rawBody`` is not all of it.
        answered: the app has answered it and lets it go on.
    Returns: ``{"outcome": "ACCEPTED"}``, or ``ASK`` with ``environmentId``, ``endpoint`` (its slug), ``key``
        and ``skipTriggeringRuns``.
    Raises:
        NotFound: there is no such HTTP endpoint, or it is switched off.
    """
    outcome: bytes = await fetch_value(
        conn,
        "select perdure.receive_http_endpoint_request(%s, %s, %s, %s, %s, %s)",
        [http_endpoint_id, environment_slug, shortcode, Json(request), body, answered],
    )
    return outcome


async def read_http_endpoints(conn: Connection, environment_id: str, limit: int = 200) -> list[HttpEndpoint]:
    """The HTTP endpoints of an environment by their keys, with those that are off; an app declares few."""
    return await fetch_rows(
        conn,
        HttpEndpoint,
        _HTTP_ENDPOINTS
        + """
        where h.environment_id = %s
        order by h.key
        limit %s
        """,
        [environment_id, limit],
    )


async def read_http_endpoint(
    conn: Connection, environment_id: str, http_endpoint_id: str
) -> HttpEndpoint | None:
    """An HTTP endpoint; ``None``: the environment has none with this id."""
    rows = await fetch_rows(
        conn,
        HttpEndpoint,
        _HTTP_ENDPOINTS
        + """
        where h.environment_id = %s and h.id = %s
        """,
        [environment_id, http_endpoint_id],
    )
    return rows[0] if rows else None
