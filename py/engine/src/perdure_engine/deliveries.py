"""Requests on their way to apps and to others: one call for each SQL function of the concept."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from .adapters import interval, json_array, text_array
from .driver import Database, Statement
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
