"""Dynamic triggers, and what is attached to them: one call for each SQL function. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def register_dynamic_trigger(
    conn: Connection, environment_id: str, slug: str, key: str, body: bytes, event_id: str | None = None
) -> bytes:
    """Attach a source to a dynamic trigger; returns ``{id, source, options}``.

    Args:
        conn: a connection of the server.
        environment_id: where the trigger is.
        slug: the trigger's id in the app.
        key: of the registration; the same again takes its place.
        body: ``{rule, source, accountId?, metadata?}``.
        event_id: of the event that asks for registration at the provider.
    Raises:
        NotFound: the environment has no such trigger.
        InvalidArgument: names what is wrong with ``body``.
        WrongState: the server's public URL is not set.
    """
    registration: bytes = await fetch_value(
        conn,
        "select perdure.register_dynamic_trigger(%s, %s, %s, %s, %s)",
        [environment_id, slug, key, Json(body), event_id],
    )
    return registration
