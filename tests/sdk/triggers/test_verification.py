"""Checks of who sent a request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import ConfigurationError
from perdure.integrations import HttpRequest, SourceRequest
from perdure.triggers import NotGenuine, hmac_signature, shared_secret, standard_webhooks
from perdure.wire.signing import sign
from perdure_integrations.verification import problem_of

BODY = '{"amount": 1, "to": "Zoë"}'.encode()
SECRET = "s3cret"


def request(body: bytes = BODY, **headers: str) -> HttpRequest:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(url="https://perdure.example/x", method="POST", headers=sent, body=body)


def digest(algorithm: str, secret: str = SECRET, body: bytes = BODY) -> bytes:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).digest()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_an_hmac_in_hex(algorithm: Any) -> None:
    check = hmac_signature(SECRET, header="X-Signature", algorithm=algorithm, prefix="v=")
    signature = digest(algorithm).hex()
    assert check(request(X_Signature=f"v={signature}"))
    assert check(request(x_signature=f"v={signature.upper()}"))
    assert not check(request(x_signature=signature))
    assert not check(request(x_signature=f"v={signature[:-2]}"))
    assert not check(request(x_signature="v=no hex"))
    assert not check(request(x_signature="v="))
    assert not check(request())
    assert not check(request(BODY + b" ", x_signature=f"v={signature}"))


def test_an_hmac_in_base64() -> None:
    check = hmac_signature(SECRET, header="x-shop", encoding="base64")
    assert check(request(x_shop=base64.b64encode(digest("sha256")).decode()))
    assert not check(request(x_shop=digest("sha256").hex()))
    assert not check(request(x_shop="Zoë"))


def test_either_secret_counts_while_it_is_being_changed() -> None:
    check = hmac_signature(["new", "old"], header="x-signature")
    assert check(request(x_signature=digest("sha256", "old").hex()))
    assert check(request(x_signature=digest("sha256", "new").hex()))
    assert not check(request(x_signature=digest("sha256", "older").hex()))


def test_requests_of_sources_can_be_checked_too() -> None:
    received = SourceRequest(
        key="k",
        secret=SECRET,
        params=None,
        data=None,
        url="https://perdure.example/x",
        method="POST",
        headers={"x-signature": digest("sha256").hex()},
        body=BODY,
    )
    assert hmac_signature(received.secret, header="x-signature")(received)


def test_a_shared_secret() -> None:
    check = shared_secret(["open", "sesame"], prefix="Bearer ")
    assert check(request(Authorization="Bearer open"))
    assert check(request(Authorization="Bearer sesame"))
    assert not check(request(Authorization="open"))
    assert not check(request(Authorization="Bearer opens"))
    assert not check(request())


def test_standard_webhooks() -> None:
    key = b"0123456789abcdef01234567"
    check = standard_webhooks(["whsec_" + base64.b64encode(key).decode()])
    now = int(time.time())
    signed = request().model_copy(update={"headers": sign([key], message_id="m1", timestamp=now, body=BODY)})
    assert check(signed)
    assert not check(signed.model_copy(update={"body": b"{}"}))
    old = sign([key], message_id="m1", timestamp=now - 400, body=BODY)
    assert not check(request().model_copy(update={"headers": old}))
    assert not check(request())


def test_a_signature_is_as_old_as_when_the_request_came_in() -> None:
    key = b"0123456789abcdef01234567"
    check = standard_webhooks(base64.b64encode(key).decode())
    yesterday = datetime.now(UTC) - timedelta(days=1)
    headers = sign([key], message_id="m1", timestamp=int(yesterday.timestamp()), body=BODY)
    signed = request().model_copy(update={"headers": headers})
    assert not check(signed)
    assert check(signed.model_copy(update={"received_at": yesterday + timedelta(minutes=4)}))
    assert not check(signed.model_copy(update={"received_at": yesterday + timedelta(minutes=6)}))


@pytest.mark.parametrize("secret", ["", [], ["good", ""]])
@pytest.mark.parametrize(
    "make", [lambda secret: hmac_signature(secret, header="x"), shared_secret, standard_webhooks]
)
def test_an_empty_secret_is_refused(make: Any, secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        make(secret)


def test_a_secret_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="base64"):
        standard_webhooks("whsec_%")


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sha256"):
        hmac_signature(SECRET, header="x", algorithm="md5")  # type: ignore[arg-type]


async def test_what_a_check_says_of_a_request() -> None:
    async def genuine(request: HttpRequest) -> bool:
        return True

    async def refuses(request: HttpRequest) -> bool:
        raise NotGenuine("the moon is full")

    def broken(request: HttpRequest) -> bool:
        raise ConnectionError("no database")

    assert await problem_of(request(), genuine) is None
    assert await problem_of(request(), lambda request: True) is None
    assert await problem_of(request(), lambda request: False) == "the request is not genuine"
    assert await problem_of(request(), lambda request: None) == "the request is not genuine"  # type: ignore[arg-type, return-value]
    assert await problem_of(request(), refuses) == "the moon is full"
    with pytest.raises(ConnectionError):
        await problem_of(request(), broken)


def test_a_request_reads_its_parts() -> None:
    one = HttpRequest.model_validate(
        {
            "url": "https://perdure.example/x?a=1&a=2&b=",
            "method": "POST",
            "headers": {"X-Kind": "important"},
            "rawBody": '{"n": 1}',
        }
    )
    assert (one.header("x-kind"), one.header("X-KIND"), one.header("other")) == (
        "important",
        "important",
        None,
    )
    assert one.query == {"a": ["1", "2"], "b": [""]}
    assert (one.body, one.text, one.json_body(), one.json_body(dict[str, int])) == (
        b'{"n": 1}',
        '{"n": 1}',
        {"n": 1},
        {"n": 1},
    )
    with pytest.raises(ValueError, match="does not fit"):
        one.json_body(list[int])
    with pytest.raises(ValueError, match="Expecting value"):
        one.model_copy(update={"body": b"-"}).json_body()
