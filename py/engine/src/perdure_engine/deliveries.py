"""Requests on their way to apps and to others: one call for each SQL function of the concept."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ._call import fetch_rows, fetch_value
from .adapters import interval, json_array, text_array
from .driver import Connection, Database, Statement
from .runs import LEASE_MARGIN


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A request that is ours to send until its lease ends."""

    delivery_id: str
    lease_number: int
    kind: str
    """What it is about; decides what its answer means."""
    endpoint_id: str | None
    """Whose endpoint; ``None``: a receiver outside."""
    url: str
    action: str | None
    """What is asked of an app's endpoint; ``None``: the receiver is outside."""
    method: str
    headers: bytes | None
    """A JSON object of strings."""
    body: bytes | None
    """To be sent as it is."""
    timeout_ms: int
    """Longest time for the request."""
    signing_secrets: list[bytes] | None
    """To sign the request with each; ``None``: it is not signed."""
    sealed_api_key: str | None
    """The environment's key, sealed."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What a result made of its delivery."""

    delivery_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery in a list."""

    id: str
    kind: str
    status: str
    attempt_count: int
    http_status: int | None
    """Of the last answer."""
    message: str | None
    response: bytes | None
    due_at: datetime | None
    created_at: datetime
    completed_at: datetime | None
    redelivered_id: str | None
    """The delivery that it repeats."""


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """A delivery as people see it, without what lets somebody in."""

    id: str
    kind: str
    subject_id: str
    status: str
    url: str | None
    request: bytes | None
    body: bytes | None
    """Its beginning."""
    body_size: int | None
    """Bytes of the whole."""
    attempt_count: int
    http_status: int | None
    duration_ms: int | None
    message: str | None
    response: bytes | None
    due_at: datetime | None
    created_at: datetime
    completed_at: datetime | None
    redelivered_id: str | None


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """An event that came of a delivery."""

    delivery_id: str
    key: str
    """The row's id; ``id`` is the sender's."""
    id: str
    name: str


_CLAIM_DELIVERIES = Statement(
    "claim_deliveries",
    "select delivery_id, lease_number, kind, endpoint_id, url, action, method, headers, body, timeout_ms,"
    " signing_secrets, sealed_api_key from perdure.claim_deliveries($1, $2, $3, $4)",
    ClaimedDelivery,
)
_APPLY_DELIVERY_RESULTS = Statement(
    "apply_delivery_results",
    "select delivery_id, outcome from perdure.apply_delivery_results($1)",
    DeliveryOutcome,
)


def claim_deliveries(
    db: Database,
    dispatcher: str,
    limit: int,
    lease_margin: timedelta = LEASE_MARGIN,
    endpoint_ids: Sequence[str] | None = None,
) -> Awaitable[list[ClaimedDelivery]]:
    """Take up to ``limit`` requests that are due, each with a new lease number.

    Args:
        db: a connection or a pool of the dispatcher, or of the server.
        dispatcher: who claims; kept with the lease.
        limit: most deliveries.
        lease_margin: how much longer than the request's timeout the lease lasts.
        endpoint_ids: only those of these apps, which are connected; ``None``: all others.
    """
    among = None if endpoint_ids is None else text_array(endpoint_ids)
    return db.call(_CLAIM_DELIVERIES, dispatcher, str(limit), interval(lease_margin), among)


def apply_delivery_results(db: Database, results: Sequence[bytes]) -> Awaitable[list[DeliveryOutcome]]:
    """Hand over what came of requests; does what the answers mean, in one transaction.

    Args:
        db: a connection or a pool of the dispatcher.
        results: valid JSON each: ``{deliveryId, leaseNumber, verdict, durationMs, httpStatus?, headers?,
            body?, message?}``.
    """
    return db.call(_APPLY_DELIVERY_RESULTS, json_array(results))


async def list_deliveries(
    conn: Connection, environment_id: str, subject_id: str, *, below: str | None = None, limit: int = 50
) -> list[Delivery]:
    """The deliveries about one source, webhook or run, newest first; only those before ``below``."""
    return await fetch_rows(
        conn,
        Delivery,
        """
        select
            d.id, d.kind, d.status, d.attempt_count, d.http_status, d.message, d.response, d.due_at,
            d.created_at, d.completed_at, d.redelivered_id
        from perdure_views.deliveries as d
        where d.environment_id = %s and d.subject_id = %s and (%s::uuid is null or d.id < %s::uuid)
        order by d.id desc
        limit %s
        """,
        [environment_id, subject_id, below, below, limit],
    )


async def list_latest_deliveries(
    conn: Connection, environment_id: str, subject_ids: Sequence[str]
) -> dict[str, Delivery]:
    """The latest delivery about each of these sources, webhooks or runs that has one."""
    rows = await fetch_rows(
        conn,
        lambda subject_id, *columns: (subject_id, Delivery(*columns)),
        """
        select
            s.id, d.id, d.kind, d.status, d.attempt_count, d.http_status, d.message, d.response, d.due_at,
            d.created_at, d.completed_at, d.redelivered_id
        from unnest(%s::uuid[]) as s (id)
        cross join lateral (
            select x.*
            from perdure_views.deliveries as x
            where x.environment_id = %s and x.subject_id = s.id
            order by x.id desc
            limit 1
        ) as d
        """,
        [list(subject_ids), environment_id],
    )
    return dict(rows)


async def read_delivery(
    conn: Connection, environment_id: str, delivery_id: str, body_limit: int
) -> DeliveryFacts | None:
    """A delivery with the first ``body_limit`` bytes of its body; ``None``: the environment has none such."""
    rows = await fetch_rows(
        conn,
        DeliveryFacts,
        """
        select
            d.id, d.kind, d.subject_id, d.status, d.url, d.request, substring(d.body from 1 for %s),
            octet_length(d.body), d.attempt_count, d.http_status, d.duration_ms, d.message, d.response,
            d.due_at, d.created_at, d.completed_at, d.redelivered_id
        from perdure_views.deliveries as d
        where d.environment_id = %s and d.id = %s
        """,
        [body_limit, environment_id, delivery_id],
    )
    return rows[0] if rows else None


async def list_delivery_events(
    conn: Connection, environment_id: str, delivery_ids: Sequence[str]
) -> list[DeliveryEvent]:
    """The events that came of deliveries."""
    return await fetch_rows(
        conn,
        DeliveryEvent,
        """
        select e.delivery_id, e.event_id, e.event, e.name
        from perdure_views.delivery_events as e
        where e.environment_id = %s and e.delivery_id = any(%s::uuid[])
        order by e.delivery_id, e.event_id
        limit 1000
        """,
        [environment_id, list(delivery_ids)],
    )


async def list_event_deliveries(
    conn: Connection, environment_id: str, event_key: str, limit: int = 20
) -> list[Delivery]:
    """The deliveries that have brought an event, oldest first."""
    return await fetch_rows(
        conn,
        Delivery,
        """
        select
            d.id, d.kind, d.status, d.attempt_count, d.http_status, d.message, d.response, d.due_at,
            d.created_at, d.completed_at, d.redelivered_id
        from perdure_views.delivery_events as e
        inner join perdure_views.deliveries as d on d.id = e.delivery_id
        where e.environment_id = %s and e.event_id = %s
        order by d.id
        limit %s
        """,
        [environment_id, event_key, limit],
    )


async def redeliver(conn: Connection, environment_id: str, delivery_id: str) -> str:
    """Hand a request that was kept to its receiver again; returns the id of the new delivery.

    Raises:
        NotFound: the environment has no such delivery.
        WrongState: it is not finished, or of a kind that is not sent again.
    """
    new_id: str = await fetch_value(conn, "select perdure.redeliver(%s, %s)", [environment_id, delivery_id])
    return new_id
