"""Sources, where webhooks come in: one call for each SQL function of the concept. JSON is in wire shape."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Source:
    """A source as people see it, without its secret."""

    id: str
    endpoint: str
    key: str
    channel: str
    params: bytes
    options: bytes | None
    """JSON array of ``{name, value, wanted, registered}``."""
    dynamic_trigger: str | None
    account: str | None
    registration: str
    """``REGISTERED``, ``PENDING``, ``FAILED``, ``OFF`` or ``UNSUPPORTED``."""
    registration_run: str | None
    registration_problem: str | None
    created_at: datetime
    updated_at: datetime


_SOURCES = """
    select
        s.id, s.endpoint, s.key, s.channel, s.params, s.options, s.dynamic_trigger, s.account,
        s.registration, s.registration_run, s.registration_problem, s.created_at, s.updated_at
    from perdure_views.sources as s
"""


async def update_source(conn: Connection, environment_id: str, key: str, update: bytes) -> bytes:
    """Record how a source was registered at its provider; returns ``{id, key}``.

    Args:
        conn: a connection of the server.
        environment_id: where the source is.
        key: the source's key in its environment.
        update: ``{key, secret?, data?, options}``.
    Raises:
        NotFound: the environment has no source of this key.
    """
    source: bytes = await fetch_value(
        conn, "select perdure.update_source(%s, %s, %s)", [environment_id, key, Json(update)]
    )
    return source


async def receive_source_request(
    conn: Connection, source_id: str, url: str, method: str, headers: bytes, body: bytes
) -> bytes:
    """Store a webhook request for delivery to its endpoint; returns ``{id?, accepted}``.

    Args:
        conn: a connection of the server.
        source_id: the source that the URL names.
        url: as requested.
        method: as requested.
        headers: a JSON object of strings.
        body: as received, any bytes.
    Raises:
        NotFound: there is no such source.
    """
    receipt: bytes = await fetch_value(
        conn,
        "select perdure.receive_source_request(%s, %s, %s, %s, %s)",
        [source_id, url, method, Json(headers), body],
    )
    return receipt


async def list_sources(
    conn: Connection, environment_id: str, *, below: str | None = None, limit: int = 50
) -> list[Source]:
    """The sources of an environment, newest first; only those before ``below``."""
    return await fetch_rows(
        conn,
        Source,
        _SOURCES
        + """
        where s.environment_id = %s and (%s::uuid is null or s.id < %s::uuid)
        order by s.id desc
        limit %s
        """,
        [environment_id, below, below, limit],
    )


async def read_source(conn: Connection, environment_id: str, source_id: str) -> Source | None:
    """A source; ``None``: the environment has none with this id."""
    rows = await fetch_rows(
        conn,
        Source,
        _SOURCES
        + """
        where s.environment_id = %s and s.id = %s
        """,
        [environment_id, source_id],
    )
    return rows[0] if rows else None


async def register_source(conn: Connection, environment_id: str, source_id: str) -> str:
    """Have a source registered at its provider anew; returns the id of the event that asks for it.

    Raises:
        NotFound: the environment has no such source.
        WrongState: it cannot be registered; the message says why.
    """
    event_id: str = await fetch_value(
        conn, "select perdure.register_source(%s, %s)", [environment_id, source_id]
    )
    return event_id
