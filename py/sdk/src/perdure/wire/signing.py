"""Signed requests in the Standard Webhooks form: derive the secret, sign, verify, refuse replays."""

from __future__ import annotations

import hashlib
import hmac
import threading
from binascii import b2a_base64
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache

from perdure.wire.headers import WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP

SIGNATURE_WINDOW_S = 300
_DERIVATION = b"perdure.signing.v1:"
_MAX_SIGNATURES = 16  # bounds the work that a stranger can cause


class SignatureError(Exception):
    """A request is not signed as it must be; the text says which header is wrong and why."""


@lru_cache(maxsize=100)  # every request asks
def derive_signing_secret(api_key: str) -> bytes:
    """The 32-byte secret both sides derive from an API key, so that the key itself never travels."""
    return hashlib.sha256(_DERIVATION + api_key.encode()).digest()


def sign(secrets: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three signature headers: one signature for each secret, so that keys can be rotated.

    Args:
        secrets: the signing secrets of all active keys, at least one.
        message_id: unique for each request; no full stop in it.
        timestamp: unix seconds.
    Raises:
        ValueError: no secret, or an id with a full stop.
    Source: Standard Webhooks, symmetric signatures ``v1``.
    """
    if not secrets:
        raise ValueError("secrets is empty: the environment has no active API key to sign with")
    if "." in message_id:
        raise ValueError(f"message_id must not contain a full stop: {message_id!r}")
    sent_at = str(timestamp)
    signatures = b" ".join([_signature(secret, message_id, sent_at, body) for secret in secrets])
    return {WEBHOOK_ID: message_id, WEBHOOK_TIMESTAMP: sent_at, WEBHOOK_SIGNATURE: signatures.decode()}


def verify(
    secret: bytes | Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    window_s: int = SIGNATURE_WINDOW_S,
    seen: ReplayGuard | None = None,
) -> str:
    """Check a signed request and return its id.

    Args:
        secret: it must be signed with it; with one of several, while keys are rotated.
        headers: with lower-case names.
        now: unix seconds.
        window_s: seconds that the sender's clock may differ from ours.
        seen: remembers the id, when the signature is right, and refuses it the second time.
    Raises:
        SignatureError: a header is missing, stale, does not match, or the request was seen before.
    """
    message_id = _required(headers, WEBHOOK_ID)
    sent_at = _required(headers, WEBHOOK_TIMESTAMP)
    signatures = _required(headers, WEBHOOK_SIGNATURE)
    if "." in message_id:  # else the border between id, timestamp and body could be moved
        raise SignatureError(f"{WEBHOOK_ID} must not contain a full stop: {message_id[:80]!r}")
    if not (sent_at.isascii() and sent_at.isdigit()):
        raise SignatureError(f"{WEBHOOK_TIMESTAMP} must be unix seconds, not {sent_at[:40]!r}")
    age_s = now - int(sent_at[:20])
    if age_s > window_s:
        raise SignatureError(f"{WEBHOOK_TIMESTAMP} is {age_s:.0f} s old; at most {window_s} s are allowed")
    if age_s < -window_s:
        raise SignatureError(f"{WEBHOOK_TIMESTAMP} is {-age_s:.0f} s in the future; compare the clocks")
    secrets = [secret] if isinstance(secret, bytes) else secret
    expected = [_signature(one, message_id, sent_at, body) for one in secrets]
    given = signatures.encode(errors="replace").split(b" ")[:_MAX_SIGNATURES]
    if not any(hmac.compare_digest(one, some) for one in expected for some in given):
        raise SignatureError(
            f"{WEBHOOK_SIGNATURE} does not match: the app's API key is not an active key of the sending "
            "environment, or the body was changed on its way"
        )
    if seen is not None and not seen.admit(message_id, now=now):
        raise SignatureError(
            f"{WEBHOOK_ID} {message_id[:80]!r} was received before: replayed requests are refused"
        )
    return message_id


class ReplayGuard:
    """Remembers ids for as long as their timestamps stay valid. Safe between threads; one for each process.

    An id is kept for twice the window, since a sender's clock may be a whole window ahead. Beyond ``max_ids``
    the oldest is forgotten first, so that memory stays bounded.
    """

    def __init__(self, *, window_s: int = SIGNATURE_WINDOW_S, max_ids: int = 200_000) -> None:
        self._keep_s = 2 * window_s
        self._max_ids = max_ids
        self._ids: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def admit(self, message_id: str, *, now: float) -> bool:
        """True the first time an id is seen, False when it is a replay."""
        with self._lock:
            while self._order and (
                self._order[0][0] < now - self._keep_s or len(self._order) >= self._max_ids
            ):
                self._ids.discard(self._order.popleft()[1])
            if message_id in self._ids:
                return False
            self._ids.add(message_id)
            self._order.append((now, message_id))
            return True


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise SignatureError(f"header {name} is missing: only signed requests are answered")
    return value


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    keyed = _keyed(secret).copy()
    keyed.update(f"{message_id}.{timestamp}.".encode())
    keyed.update(body)
    return b"v1," + b2a_base64(keyed.digest(), newline=False)


@lru_cache(maxsize=100)  # a copy is quicker than a new one
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")
