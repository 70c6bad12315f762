"""Signing and verifying, with the Standard Webhooks project's own package as the other side."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from perdure.wire.signing import ReplayGuard, SignatureError, derive_signing_secret, sign, verify

SECRET = derive_signing_secret("tr_dev_" + "a" * 40)
OTHER = derive_signing_secret("tr_dev_" + "b" * 40)
BODY = '{"text": "é"}'.encode()
NOW = 1_767_600_000


def signed(*secrets: bytes, body: bytes = BODY, timestamp: int = NOW) -> dict[str, str]:
    return sign(list(secrets) or [SECRET], message_id="EXECUTE_JOB_1", timestamp=timestamp, body=body)


def test_the_secret_is_derived_as_the_database_derives_it() -> None:
    assert derive_signing_secret("tr_dev_x") == hashlib.sha256(b"perdure.signing.v1:tr_dev_x").digest()


def test_the_independent_package_accepts_what_we_sign() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = signed(OTHER, SECRET, timestamp=now)
    peer = Webhook(base64.b64encode(SECRET).decode())
    assert peer.verify(BODY, headers) == {"text": "é"}
    with pytest.raises(WebhookVerificationError):
        peer.verify(BODY + b" ", headers)


def test_we_accept_what_the_independent_package_signs() -> None:
    at = datetime.fromtimestamp(NOW, UTC)
    signature = Webhook(base64.b64encode(SECRET).decode()).sign("msg_1", at, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert verify(SECRET, headers, BODY, now=NOW) == "msg_1"


def test_one_signature_for_each_secret() -> None:
    headers = signed(OTHER, SECRET)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (OTHER, SECRET):
        assert verify(secret, headers, BODY, now=NOW) == "EXECUTE_JOB_1"


def test_one_of_several_secrets_is_enough() -> None:
    guard = ReplayGuard()
    headers = signed(SECRET)
    assert verify([OTHER, SECRET], headers, BODY, now=NOW, seen=guard) == "EXECUTE_JOB_1"
    with pytest.raises(SignatureError, match="was received before"):
        verify([SECRET, OTHER], headers, BODY, now=NOW, seen=guard)
    for secrets in ([OTHER], []):
        with pytest.raises(SignatureError, match="does not match"):
            verify(secrets, headers, BODY, now=NOW)


@pytest.mark.parametrize("age_s", [-300, 0, 300])
def test_within_the_window(age_s: int) -> None:
    verify(SECRET, signed(), BODY, now=NOW + age_s)


@pytest.mark.parametrize(
    ("now", "text"), [(NOW + 301, "webhook-timestamp is 301 s old"), (NOW - 301, "301 s in the future")]
)
def test_outside_the_window(now: int, text: str) -> None:
    with pytest.raises(SignatureError, match=text):
        verify(SECRET, signed(), BODY, now=now)


@pytest.mark.parametrize(
    ("header", "value", "text"),
    [
        ("webhook-id", None, "webhook-id is missing"),
        ("webhook-timestamp", None, "webhook-timestamp is missing"),
        ("webhook-signature", "", "webhook-signature is missing"),
        ("webhook-timestamp", "yesterday", "webhook-timestamp must be unix seconds"),
        ("webhook-timestamp", "1767600000.5", "must be unix seconds"),
        ("webhook-timestamp", "-1", "must be unix seconds"),
        ("webhook-timestamp", "²", "must be unix seconds"),
        ("webhook-timestamp", "9" * 5000, "in the future"),
        ("webhook-timestamp", str(NOW + 1), "webhook-signature does not match"),
        ("webhook-id", "EXECUTE_JOB_2", "webhook-signature does not match"),
        ("webhook-signature", "v1,AAAA", "webhook-signature does not match"),
        ("webhook-signature", "v1,not base64", "webhook-signature does not match"),
        ("webhook-signature", "garbage", "webhook-signature does not match"),
        ("webhook-signature", "é v1,é", "webhook-signature does not match"),
    ],
)
def test_the_error_names_the_header(header: str, value: str | None, text: str) -> None:
    headers: dict[str, Any] = {**signed(), header: value}
    if value is None:
        del headers[header]
    with pytest.raises(SignatureError, match=text):
        verify(SECRET, headers, BODY, now=NOW)


def test_a_signature_of_another_version_does_not_count() -> None:
    headers = signed()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v2,")
    with pytest.raises(SignatureError, match="does not match"):
        verify(SECRET, headers, BODY, now=NOW)


def test_a_flood_of_signatures_is_not_all_checked() -> None:
    headers = signed()
    headers["webhook-signature"] = "v1,AAAA " * 16 + headers["webhook-signature"]
    with pytest.raises(SignatureError, match="does not match"):
        verify(SECRET, headers, BODY, now=NOW)


def test_a_replay_is_refused_and_a_bad_signature_does_not_burn_the_id() -> None:
    seen = ReplayGuard()
    with pytest.raises(SignatureError, match="does not match"):
        verify(OTHER, signed(), BODY, now=NOW, seen=seen)
    verify(SECRET, signed(), BODY, now=NOW, seen=seen)
    with pytest.raises(SignatureError, match="webhook-id 'EXECUTE_JOB_1' was received before"):
        verify(SECRET, signed(), BODY, now=NOW + 10, seen=seen)


def test_the_guard_keeps_an_id_for_as_long_as_its_timestamp_could_be_valid() -> None:
    guard = ReplayGuard(window_s=300)
    assert guard.admit("a", now=NOW)
    assert not guard.admit("a", now=NOW + 600)
    assert guard.admit("a", now=NOW + 601)


def test_the_guard_forgets_the_oldest_first_when_it_is_full() -> None:
    guard = ReplayGuard(max_ids=2)
    for message_id in ("a", "b", "c"):
        assert guard.admit(message_id, now=NOW)
    assert not guard.admit("c", now=NOW)
    assert guard.admit("a", now=NOW)


def test_signing_needs_a_secret_and_an_id_without_full_stop() -> None:
    with pytest.raises(ValueError, match="no active API key"):
        sign([], message_id="a", timestamp=NOW, body=b"")
    with pytest.raises(ValueError, match="full stop"):
        sign([SECRET], message_id="a.b", timestamp=NOW, body=b"")


def test_the_border_between_id_and_body_cannot_be_moved() -> None:
    """A full stop in an id would let part of a signed body pass as a later timestamp of a new message."""
    later = NOW + 86_400
    headers = sign([SECRET], message_id="DELIVER_1", timestamp=NOW, body=b"%d.rest" % later)
    moved = {**headers, "webhook-id": f"DELIVER_1.{NOW}", "webhook-timestamp": str(later)}
    with pytest.raises(SignatureError, match="webhook-id must not contain a full stop"):
        verify(SECRET, moved, b"rest", now=later)
