"""Schedules, those of dynamic triggers among them: one call for each SQL function. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def register_schedule(
    conn: Connection, environment_id: str, dynamic_schedule: str, body: bytes
) -> bytes:
    """Attach a schedule to a dynamic one; returns ``{id, schedule, metadata?, active}``.

    Args:
        conn: a connection of the server.
        environment_id: where the dynamic schedule is.
        dynamic_schedule: its id in the app.
        body: ``{id: key, type, options, accountId?, metadata?}``; the same key again takes its place.
    Raises:
        NotFound: the environment has no such dynamic schedule.
        InvalidArgument: names what is wrong with ``body``.
    """
    registered: bytes = await fetch_value(
        conn,
        "select perdure.register_schedule(%s, %s, %s)",
        [environment_id, dynamic_schedule, Json(body)],
    )
    return registered


async def unregister_schedule(
    conn: Connection, environment_id: str, dynamic_schedule: str, key: str
) -> bytes:
    """End a schedule that was attached, if there is one; returns ``{"ok": true}``.

    Raises:
        NotFound: the environment has no such dynamic schedule.
    """
    ended: bytes = await fetch_value(
        conn, "select perdure.unregister_schedule(%s, %s, %s)", [environment_id, dynamic_schedule, key]
    )
    return ended
