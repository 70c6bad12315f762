"""Deliveries: requests that sources received, and the events that the apps make of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from perdure.wire.endpoint_request import EndpointRequest, deliver_http_source_request
from perdure.wire.sources import DeliverAnswer, read_source_headers, write_source_headers
from perdure_dispatcher.exchange import Exchange
from perdure_dispatcher.verdict import Verdict
from perdure_dispatcher.work import LEASE_LOST, Work
from perdure_engine.deliveries import ClaimedDelivery, apply_delivery_results, claim_deliveries
from perdure_engine.pool import Connection


class Deliveries(Work[ClaimedDelivery]):
    """The deliveries of one dispatcher."""

    noun = "delivery"
    hint = "deliveries"
    largest_claim = 10  # each may bring the 25 MiB that a source accepts
    waiting = frozenset({"PENDING"})

    async def claim_some(self, conn: Connection, limit: int) -> Sequence[ClaimedDelivery]:
        """Take up to ``limit`` requests whose turn it is."""
        return await claim_deliveries(conn, self._settings.name, limit, self._settings.lease_margin)

    def claim_id(self, claim: ClaimedDelivery) -> str:
        """The delivery's id."""
        return claim.delivery_id

    def request_for(self, claim: ClaimedDelivery) -> EndpointRequest:
        """The received bytes as they are; headers rewritten in ASCII: the database keeps JSON as it came."""
        described = write_source_headers(read_source_headers(json.loads(claim.headers), claim.body))
        return deliver_http_source_request(
            described, claim.body, secrets=claim.signing_secrets, now=time.time()
        )

    def parse(self, body: bytes) -> object:
        """Read an answer to DELIVER_HTTP_SOURCE_REQUEST."""
        return DeliverAnswer.parse(body)

    def result_fields(self, claim: ClaimedDelivery, came_back: Exchange) -> dict[str, Any]:
        """``apply_delivery_results`` only tells good from bad: whatever is bad is tried again."""
        return {"deliveryId": claim.delivery_id, "ok": came_back.judgement.verdict is Verdict.REPLY}

    async def apply(self, conn: Connection, results: Sequence[bytes]) -> Mapping[str, str]:
        """Send the events."""
        outcomes = await apply_delivery_results(conn, results)
        outcomes.sort(key=lambda row: row.outcome != LEASE_LOST)  # as for runs
        return {row.delivery_id: row.outcome for row in outcomes}
