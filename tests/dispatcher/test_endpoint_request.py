"""The platform's requests: their headers, signed for every active key."""

import pytest

from perdure.wire.signing import derive_signing_secret, verify
from perdure_dispatcher import endpoint_request
from perdure_dispatcher.endpoint_request import EndpointRequest

SECRETS = [derive_signing_secret("tr_dev_a"), derive_signing_secret("tr_dev_b")]
NOW = 1_767_600_000.7
REQUESTS = {
    "PING": endpoint_request.ping("acme", secrets=SECRETS, now=NOW),
    "VALIDATE": endpoint_request.validate(secrets=SECRETS, now=NOW),
    "INDEX_ENDPOINT": endpoint_request.index_endpoint(secrets=SECRETS, now=NOW),
    "EXECUTE_JOB": endpoint_request.execute_job(b'{"a": 1}', secrets=SECRETS, now=NOW),
    "DELIVER_HTTP_SOURCE_REQUEST": endpoint_request.deliver(
        "DELIVER_HTTP_SOURCE_REQUEST",
        {"content-type": "application/octet-stream", "x-ts-key": "k"},
        b"\x00raw",
        secrets=SECRETS,
        now=NOW,
    ),
}


@pytest.mark.parametrize(("action", "request_"), REQUESTS.items())
def test_every_request_is_signed_and_names_its_versions(action: str, request_: EndpointRequest) -> None:
    headers = request_.headers
    assert headers["x-trigger-action"] == action
    assert headers["x-trigger-version"] == "2023-09-29"
    assert headers["x-perdure-version"] == "3"
    assert headers["webhook-timestamp"] == "1767600000"
    assert "x-trigger-api-key" not in headers
    for secret in SECRETS:
        assert verify(secret, headers, request_.body, now=NOW).startswith(f"{action}_")


def test_what_only_some_requests_carry() -> None:
    assert REQUESTS["PING"].headers["x-trigger-endpoint-id"] == "acme"
    assert REQUESTS["PING"].body == b""
    assert REQUESTS["EXECUTE_JOB"].headers["content-type"] == "application/json"
    assert REQUESTS["EXECUTE_JOB"].body == b'{"a": 1}'
    delivery = REQUESTS["DELIVER_HTTP_SOURCE_REQUEST"]
    assert delivery.headers["content-type"] == "application/octet-stream"
    assert (delivery.headers["x-ts-key"], delivery.body) == ("k", b"\x00raw")


def test_the_key_itself_goes_along_only_when_it_is_given() -> None:
    for request in (
        endpoint_request.execute_job(b"{}", secrets=SECRETS, now=NOW, api_key="tr_dev_a"),
        endpoint_request.deliver("INDEX_ENDPOINT", {}, b"", secrets=SECRETS, now=NOW, api_key="tr_dev_a"),
    ):
        assert request.headers["x-trigger-api-key"] == "tr_dev_a"


def test_the_same_request_built_again_has_another_id() -> None:
    again = endpoint_request.execute_job(b'{"a": 1}', secrets=SECRETS, now=NOW)
    assert again.headers["webhook-id"] != REQUESTS["EXECUTE_JOB"].headers["webhook-id"]
