"""Deliveries: whatever else is to be sent, to the apps' endpoints and to receivers outside.

What is sent comes whole from the database, and what comes back goes there as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Mapping, Sequence

from perdure.wire.http import HttpError, HttpResponse
from perdure.wire.signing import sign
from perdure_dispatcher.endpoint_request import deliver
from perdure_dispatcher.verdict import (
    NO_KEY,
    Judgement,
    judge_delivery,
    judge_delivery_failure,
    judge_unsendable,
)
from perdure_dispatcher.work import LEASE_LOST, Work
from perdure_engine.deliveries import (
    ClaimedDelivery,
    DeliveryOutcome,
    apply_delivery_results,
    claim_deliveries,
)
from perdure_engine.errors import NoSecretKey, UnknownSecretKey
from perdure_engine.pool import Connection

_BODY_SIGNATURE = "x-trigger-signature-256"


class Deliveries(Work[ClaimedDelivery]):
    """The deliveries of one dispatcher."""

    noun = "delivery"
    id_member = "deliveryId"
    hint = "deliveries"
    largest_claim = 10  # each may bring the 25 MiB that a source accepts
    waiting = frozenset({"PENDING"})

    async def claim_some(self, conn: Connection, limit: int) -> Sequence[ClaimedDelivery]:
        """Take up to ``limit`` requests that are due."""
        return await claim_deliveries(conn, self._settings.name, limit, self._settings.lease_margin)

    def claim_id(self, claim: ClaimedDelivery) -> str:
        """The delivery's id."""
        return claim.delivery_id

    async def send(self, claim: ClaimedDelivery, *, alone: bool) -> Judgement:
        """Send it to the endpoint or outside."""
        if claim.action is not None and not claim.signing_secrets:
            return judge_unsendable(NO_KEY)
        try:
            answer = await (
                self._send_outside(claim) if claim.action is None else self._send_to_endpoint(claim)
            )
        except (NoSecretKey, UnknownSecretKey) as error:
            return judge_unsendable(error.message)
        except HttpError as error:
            return judge_delivery_failure(error)
        return judge_delivery(answer)

    def apply(self, results: Sequence[bytes]) -> Awaitable[list[DeliveryOutcome]]:
        """Do what the answers mean."""
        return apply_delivery_results(self._pool, results)

    def outcomes(self, rows: list[DeliveryOutcome]) -> Mapping[str, str]:
        """What became of each."""
        # As for runs: of two claims' results the one that counted.
        rows.sort(key=lambda row: row.outcome != LEASE_LOST)
        return {row.delivery_id: row.outcome for row in rows}

    async def _send_to_endpoint(self, claim: ClaimedDelivery) -> HttpResponse:
        request = deliver(
            claim.action or "",
            {name: _in_ascii(text) for name, text in _headers(claim).items()},
            claim.body or b"",
            secrets=claim.signing_secrets or [],
            now=time.time(),
            api_key=self.unseal(claim.sealed_api_key),
        )
        return await self._clients.endpoints.request(
            claim.method,
            claim.url,
            request.headers,
            request.body,
            timeout_s=claim.timeout_ms / 1000,
            max_response_bytes=self._settings.max_response_bytes,
        )

    async def _send_outside(self, claim: ClaimedDelivery) -> HttpResponse:
        return await self._clients.outside.request(
            claim.method,
            claim.url,
            {**_headers(claim), **self._signature(claim)},
            claim.body,
            timeout_s=claim.timeout_ms / 1000,
            max_response_bytes=self._settings.max_response_bytes,
            follow_redirects=claim.kind == "FETCH",
        )

    def _signature(self, claim: ClaimedDelivery) -> dict[str, str]:
        """Both forms in use, as far as there are keys for them; the id is the same in each attempt."""
        body = claim.body or b""
        headers: dict[str, str] = {}
        if claim.signing_secrets:
            headers |= sign(
                claim.signing_secrets, message_id=claim.delivery_id, timestamp=int(time.time()), body=body
            )
        if (key := self.unseal(claim.sealed_api_key)) is not None:
            headers[_BODY_SIGNATURE] = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        return headers


def _headers(claim: ClaimedDelivery) -> dict[str, str]:
    headers: dict[str, str] = json.loads(claim.headers or b"{}")
    return headers


def _in_ascii(text: str) -> str:
    """A JSON text as a header can carry it: line breaks in it are mere layout, the rest is escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if " " <= character <= "~" else json.dumps(character)[1:-1] if character > "~" else " "
        for character in text
    )
