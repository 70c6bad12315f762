"""Webhooks that register themselves: one call for each SQL function. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def update_webhook(conn: Connection, environment_id: str, key: str, update: bytes) -> bytes:
    """Record how a webhook was registered at its provider; returns ``{id, key}``.

    Args:
        conn: a connection of the server.
        environment_id: where the webhook is.
        key: the webhook's key in its environment.
        update: ``{active: true, config}`` or ``{active: false}``.
    Raises:
        NotFound: the environment has no webhook of this key.
    """
    webhook: bytes = await fetch_value(
        conn, "select perdure.update_webhook(%s, %s, %s)", [environment_id, key, Json(update)]
    )
    return webhook
