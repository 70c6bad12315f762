"""Webhooks that register themselves: one call for each SQL function. JSON is in wire shape."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as people see it, without its secret."""

    id: str
    endpoint: str
    key: str
    http_endpoint: str | None
    """``None``: the app no longer names the webhook."""
    params: bytes
    desired_config: bytes
    current_config: bytes | None
    registration: str
    """As of sources."""
    registration_run: str | None
    registration_problem: str | None
    created_at: datetime
    updated_at: datetime


_WEBHOOKS = """
    select
        w.id, w.endpoint, w.key, w.http_endpoint, w.params, w.desired_config, w.current_config,
        w.registration, w.registration_run, w.registration_problem, w.created_at, w.updated_at
    from perdure_views.webhooks as w
"""


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


async def list_webhooks(conn: Connection, environment_id: str, limit: int = 200) -> list[Webhook]:
    """The webhooks of an environment by their keys; an app declares few."""
    return await fetch_rows(
        conn,
        Webhook,
        _WEBHOOKS
        + """
        where w.environment_id = %s
        order by w.key
        limit %s
        """,
        [environment_id, limit],
    )


async def read_webhook(conn: Connection, environment_id: str, webhook_id: str) -> Webhook | None:
    """A webhook; ``None``: the environment has none with this id."""
    rows = await fetch_rows(
        conn,
        Webhook,
        _WEBHOOKS
        + """
        where w.environment_id = %s and w.id = %s
        """,
        [environment_id, webhook_id],
    )
    return rows[0] if rows else None


async def register_webhook(conn: Connection, environment_id: str, webhook_id: str) -> str:
    """Have a webhook registered at its provider anew; returns the id of the event that asks for it.

    Raises:
        NotFound: the environment has no such webhook.
        WrongState: it cannot be registered; the message says why.
    """
    event_id: str = await fetch_value(
        conn, "select perdure.register_webhook(%s, %s)", [environment_id, webhook_id]
    )
    return event_id
