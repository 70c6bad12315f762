"""The key-value store of an environment: one call for each SQL function. Values are JSON texts."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def get_store_item(conn: Connection, environment_id: str, key: str) -> bytes:
    """Read a value: ``{action, key, value?}``; no ``value`` when there is none."""
    item: bytes = await fetch_value(conn, "select perdure.get_store_item(%s, %s)", [environment_id, key])
    return item


async def has_store_item(conn: Connection, environment_id: str, key: str) -> bool:
    """Whether there is a value for this key."""
    found: bool = await fetch_value(conn, "select perdure.has_store_item(%s, %s)", [environment_id, key])
    return found


async def set_store_item(conn: Connection, environment_id: str, key: str, value: bytes) -> bytes:
    """Keep a value in place of what was there; returns ``{action, key, value}``.

    Raises:
        InvalidArgument: the key or the value is too long, or the value is no JSON.
    """
    item: bytes = await fetch_value(
        conn, "select perdure.set_store_item(%s, %s, %s)", [environment_id, key, Json(value)]
    )
    return item


async def delete_store_item(conn: Connection, environment_id: str, key: str) -> bytes:
    """Remove a value; returns ``{action, key, deleted}``."""
    outcome: bytes = await fetch_value(
        conn, "select perdure.delete_store_item(%s, %s)", [environment_id, key]
    )
    return outcome
