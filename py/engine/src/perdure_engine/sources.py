"""Sources, where webhooks come in: one call for each SQL function of the concept. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


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
