"""The platform's requests to an app's endpoint, signed; for tests that have the SDK alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from perdure.wire import headers as names
from perdure.wire.signing import derive_signing_secret, sign

API_KEY = "tr_dev_0123456789abcdef0123456789abcdef01234567"
SECRETS = (derive_signing_secret(API_KEY),)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What to POST to an endpoint."""

    headers: dict[str, str]
    body: bytes


def signed(
    action: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    secrets: Sequence[bytes] = SECRETS,
    now: float | None = None,
    message_id: str | None = None,
) -> SignedRequest:
    """A request for an action.

    Args:
        headers: beside those that every request has.
        now: unix seconds; None: the time of the call.
    """
    own = {
        names.ACTION: action,
        names.PLATFORM_VERSION: names.PROTOCOL_VERSION,
        names.PERDURE_VERSION: names.EXTENSION_VERSION,
    }
    signature = sign(
        secrets,
        message_id=message_id or f"{action}_{uuid4().hex}",
        timestamp=int(time.time() if now is None else now),
        body=body,
    )
    return SignedRequest({**own, **(headers or {}), **signature}, body)


def signed_ping(
    endpoint_id: str, *, secrets: Sequence[bytes] = SECRETS, now: float | None = None
) -> SignedRequest:
    """PING: is this the app with that id?"""
    return signed("PING", headers={names.ENDPOINT_ID: endpoint_id}, secrets=secrets, now=now)
