"""Events: one call for each SQL function. JSON is in wire shape, event ids are the sender's."""

from collections.abc import Awaitable

from ._call import fetch_value
from .adapters import Json
from .driver import Connection, Database, Statement

_SEND_EVENTS = Statement("send_events", "select e from perdure.send_events($1, $2, $3) as e", bytes)


def send_events(
    db: Database, environment_id: str, events: bytes, options: bytes = b"{}"
) -> Awaitable[list[bytes]]:
    """Store events and start what they trigger; one transaction for all. An id that is known changes nothing.

    Args:
        db: a connection or a pool of the server or an app.
        environment_id: where the events happen.
        events: a JSON array of RawEvent.
        options: SendEventOptions, for all of them.
    Returns: an ApiEventLog for each event, in the order of ``events``.
    Raises:
        InvalidArgument: names the event and the field.
    """
    return db.call(_SEND_EVENTS, environment_id, events, options)


async def send_event(
    conn: Connection, environment_id: str, name: str, payload: bytes = b"{}", event_id: str | None = None
) -> bytes:
    """Send one event; returns its ApiEventLog."""
    event: bytes = await fetch_value(
        conn, "select perdure.send_event(%s, %s, %s, %s)", [environment_id, name, Json(payload), event_id]
    )
    return event


async def get_event(conn: Connection, environment_id: str, event_id: str) -> bytes:
    """An event with its runs.

    Raises:
        NotFound: the environment has no such event.
    """
    event: bytes = await fetch_value(conn, "select perdure.get_event(%s, %s)", [environment_id, event_id])
    return event


async def cancel_event(conn: Connection, environment_id: str, event_id: str) -> bytes:
    """Drop an event that is still to be delivered; returns its ApiEventLog.

    Raises:
        NotFound: the environment has no such event.
    """
    event: bytes = await fetch_value(conn, "select perdure.cancel_event(%s, %s)", [environment_id, event_id])
    return event


async def cancel_event_runs(conn: Connection, environment_id: str, event_id: str) -> bytes:
    """Cancel the runs of an event; returns ``{cancelledRunIds, failedToCancelRunIds}``.

    Raises:
        NotFound: the environment has no such event.
    """
    outcome: bytes = await fetch_value(
        conn, "select perdure.cancel_event_runs(%s, %s)", [environment_id, event_id]
    )
    return outcome


async def register_ephemeral_dispatcher(conn: Connection, environment_id: str, body: bytes) -> bytes:
    """Have the first event that matches sent to a URL, once; returns ``{id}``.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the events happen.
        body: ``{url, name, source?, filter?, contextFilter?, accountId?, timeoutInSeconds?}``.
    Raises:
        InvalidArgument: names the member.
    """
    dispatcher: bytes = await fetch_value(
        conn, "select perdure.register_ephemeral_dispatcher(%s, %s)", [environment_id, Json(body)]
    )
    return dispatcher
