"""Events: one call for each SQL function. JSON is in wire shape, event ids are the sender's."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ._call import fetch_rows, fetch_value
from .adapters import Json, boolean
from .driver import Connection, Database, Statement


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event in a list."""

    key: str
    """The row's id; ``id`` is the sender's."""
    id: str
    name: str
    source: str
    is_test: bool
    created_at: datetime
    deliver_at: datetime
    delivered_at: datetime | None
    cancelled_at: datetime | None
    account: str | None
    is_replay: bool
    runs: int
    statuses: list[str]
    """Of these runs, each once."""
    run_id: str | None
    """That of the only one."""


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """What one look for events has brought."""

    events: list[FoundEvent]
    looked_at: int
    next_cursor: str | None
    """There may be further ones below it."""
    searched_to: datetime | None
    """When those were stored that come next."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event as people see it, without what lets somebody in."""

    key: str
    id: str
    name: str
    source: str
    payload: bytes
    payload_type: str
    context: bytes
    account: str | None
    source_context: bytes | None
    dynamic_trigger: str | None
    run_tags: list[str] | None
    run_metadata: bytes | None
    is_test: bool
    happened_at: datetime
    created_at: datetime
    deliver_at: datetime
    delivered_at: datetime | None
    cancelled_at: datetime | None
    replayed_key: str | None
    """The event that it repeats."""


@dataclass(frozen=True, slots=True)
class EventRun:
    """A run that an event started."""

    id: str
    job: str
    status: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a job makes of an event, by its subscription as it is today."""

    job: str | None
    """``None``: all those that listen to other names."""
    registration: str | None
    outcome: str
    mismatch: bytes | None
    run_id: str | None
    """What it started then."""
    jobs: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """A replay of an event."""

    key: str
    id: str
    created_at: datetime


_SEND_EVENTS = Statement("send_events", "select e from perdure.send_events($1, $2, $3, $4) as e", bytes)


def send_events(
    db: Database, environment_id: str, events: bytes, options: bytes = b"{}", *, minimal: bool = False
) -> Awaitable[list[bytes]]:
    """Store events and start what they trigger; one transaction for all. An id that is known changes nothing.

    Args:
        db: a connection or a pool of the server or an app.
        environment_id: where the events happen.
        events: a JSON array of RawEvent.
        options: SendEventOptions, for all of them.
        minimal: nobody wants to know how the events are stored.
    Returns: an ApiEventLog for each event, in the order of ``events``; nothing for ``minimal``.
    Raises:
        InvalidArgument: names the event and the field.
    """
    return db.call(_SEND_EVENTS, environment_id, events, options, boolean(minimal))


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


async def find_events(
    conn: Connection,
    environment_id: str,
    filter: Mapping[str, Any] | None = None,
    cursor: str | None = None,
    take: int = 50,
) -> FoundEvents:
    """Events that pass a filter, newest first; a look takes in some thousand of them.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the events are.
        filter: ``{name?, source?, text?, from?, to?, state?, isTest?}``.
        cursor: ``next_cursor`` of the look before.
        take: most events to find, 100 at most.
    Raises:
        InvalidArgument: names the member of ``filter``.
    """
    found = json.loads(
        await fetch_value(
            conn,
            "select perdure.find_events(%s, %s::jsonb, %s::uuid, %s)",
            [environment_id, json.dumps(filter or {}), cursor, take],
        )
    )
    return FoundEvents(
        [
            FoundEvent(
                key=event["key"],
                id=event["id"],
                name=event["name"],
                source=event["source"],
                is_test=event["isTest"],
                created_at=datetime.fromisoformat(event["createdAt"]),
                deliver_at=datetime.fromisoformat(event["deliverAt"]),
                delivered_at=_instant(event["deliveredAt"]),
                cancelled_at=_instant(event["cancelledAt"]),
                account=event["account"],
                is_replay=event["replays"],
                runs=event["runs"],
                statuses=event["statuses"],
                run_id=event["runId"],
            )
            for event in found["events"]
        ],
        found["lookedAt"],
        found.get("nextCursor"),
        _instant(found.get("searchedTo")),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def read_event(conn: Connection, environment_id: str, id: str) -> EventFacts | None:
    """An event as the view shows it; ``None``: the environment has none.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the event is.
        id: its row's, or the sender's.
    """
    rows = await fetch_rows(
        conn,
        EventFacts,
        """
        select
            e.id, e.event_id, e.name, e.source, e.payload, e.payload_type, e.context, e.account,
            e.source_context, e.dynamic_trigger, e.run_tags, e.run_metadata, e.is_test, e.happened_at,
            e.created_at, e.deliver_at, e.delivered_at, e.cancelled_at, e.replayed_id
        from perdure_views.events as e
        where e.id = coalesce(
            (select x.id from perdure_views.events as x where x.environment_id = %s and x.id = %s::uuid),
            (select x.id from perdure_views.events as x where x.environment_id = %s and x.event_id = %s)
        )
        """,
        [environment_id, _uuid(id), environment_id, id],
    )
    return rows[0] if rows else None


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


async def list_replays(conn: Connection, environment_id: str, key: str, limit: int = 20) -> list[Repetition]:
    """The replays of an event, newest first."""
    return await fetch_rows(
        conn,
        Repetition,
        "select e.id, e.event_id, e.created_at from perdure_views.events as e"
        " where e.environment_id = %s and e.replayed_id = %s order by e.id desc limit %s",
        [environment_id, key, limit],
    )


async def list_event_runs(
    conn: Connection, environment_id: str, event_id: str, limit: int = 100
) -> list[EventRun]:
    """The runs that an event started, oldest first.

    Raises:
        NotFound: the environment has no such event.
    """
    return await fetch_rows(
        conn,
        EventRun,
        "select id, job, status, created_at, started_at, completed_at"
        " from perdure.list_event_runs(%s, %s, %s)",
        [environment_id, event_id, limit],
    )


async def explain_event(conn: Connection, environment_id: str, event_id: str) -> list[Explanation]:
    """Which jobs an event matches, and why others do not.

    Raises:
        NotFound: the environment has no such event.
    """
    return await fetch_rows(
        conn,
        Explanation,
        "select job, registration, outcome, mismatch, run_id, jobs from perdure.explain_event(%s, %s)",
        [environment_id, event_id],
    )


async def replay_event(conn: Connection, environment_id: str, event_id: str) -> bytes:
    """Send a stored event once more; returns the ApiEventLog of the new one.

    Raises:
        NotFound: the environment has no such event.
        WrongState: it is still to be delivered.
    """
    event: bytes = await fetch_value(conn, "select perdure.replay_event(%s, %s)", [environment_id, event_id])
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
