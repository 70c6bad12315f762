"""Webhook requests on their way to endpoints: one call for each SQL function of the concept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ._call import fetch_rows
from .adapters import json_array
from .pool import Connection
from .runs import LEASE_MARGIN


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A webhook request that is ours to deliver until its lease ends."""

    delivery_id: str
    lease_number: int
    url: str
    timeout_ms: int
    """Longest time for the request."""
    signing_secrets: list[bytes]
    headers: bytes
    """The headers of DELIVER_HTTP_SOURCE_REQUEST, a JSON object of strings."""
    body: bytes
    """The received bytes, to be sent as they are."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What a result made of its delivery."""

    delivery_id: str
    outcome: str


async def claim_deliveries(
    conn: Connection, dispatcher: str, limit: int, lease_margin: timedelta = LEASE_MARGIN
) -> list[ClaimedDelivery]:
    """Take up to ``limit`` webhook requests that are due, each with a new lease number.

    Args:
        conn: a connection of the dispatcher.
        dispatcher: who claims; kept with the lease.
        limit: most deliveries.
        lease_margin: how much longer than the endpoint's timeout the lease lasts.
    """
    return await fetch_rows(
        conn,
        ClaimedDelivery,
        "select delivery_id, lease_number, url, timeout_ms, signing_secrets, headers, body"
        " from perdure.claim_deliveries(%s, %s, %s)",
        [dispatcher, limit, lease_margin],
        prepare=True,
    )


async def apply_delivery_results(conn: Connection, results: Sequence[bytes]) -> list[DeliveryOutcome]:
    """Hand over what endpoints made of webhook requests; their events are sent, in one transaction.

    Args:
        conn: a connection of the dispatcher.
        results: valid JSON each: ``{deliveryId, leaseNumber, ok, reply?, message?}``.
    """
    return await fetch_rows(
        conn,
        DeliveryOutcome,
        "select delivery_id, outcome from perdure.apply_delivery_results(%s)",
        [json_array(results)],
        prepare=True,
    )
