"""Pure builders of the platform's requests to a signed endpoint: headers and body, ready to POST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from perdure.wire import headers as names
from perdure.wire.headers import Action
from perdure.wire.signing import sign

USER_AGENT = "perdure"


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """What to POST to an endpoint's URL."""

    headers: dict[str, str]
    body: bytes


def ping(endpoint_id: str, *, secrets: Sequence[bytes], now: float) -> EndpointRequest:
    """PING: is this the app with that id? ``now`` is in unix seconds, here and below."""
    return _request(Action.PING, b"", {names.ENDPOINT_ID: endpoint_id}, secrets=secrets, now=now)


def validate(*, secrets: Sequence[bytes], now: float) -> EndpointRequest:
    """VALIDATE: which id does this app have?"""
    return _request(Action.VALIDATE, b"", {}, secrets=secrets, now=now)


def index_endpoint(*, secrets: Sequence[bytes], now: float) -> EndpointRequest:
    """INDEX_ENDPOINT: which jobs and sources does this app have?"""
    return _request(Action.INDEX_ENDPOINT, b"", {}, secrets=secrets, now=now)


def execute_job(body: bytes, *, secrets: Sequence[bytes], now: float) -> EndpointRequest:
    """EXECUTE_JOB with the body that the claim returned, sent as it is."""
    return _request(Action.EXECUTE_JOB, body, {"content-type": names.JSON_TYPE}, secrets=secrets, now=now)


def deliver_http_source_request(
    source_headers: Mapping[str, str], body: bytes, *, secrets: Sequence[bytes], now: float
) -> EndpointRequest:
    """DELIVER_HTTP_SOURCE_REQUEST: the delivery's ``x-ts-*`` headers and the raw body that was received."""
    extra = {**source_headers, "content-type": names.BYTES_TYPE}
    return _request(Action.DELIVER_HTTP_SOURCE_REQUEST, body, extra, secrets=secrets, now=now)


def message_id_for(action: Action) -> str:
    """A new ``webhook-id``. It names the action: the signature covers the id, so it covers the action too."""
    return f"{action.value}_{uuid4().hex}"


def _request(
    action: Action, body: bytes, extra: Mapping[str, str], *, secrets: Sequence[bytes], now: float
) -> EndpointRequest:
    signature = sign(secrets, message_id=message_id_for(action), timestamp=int(now), body=body)
    return EndpointRequest(
        headers={
            names.ACTION: action.value,
            names.PLATFORM_VERSION: names.PROTOCOL_VERSION,
            names.PERDURE_VERSION: names.EXTENSION_VERSION,
            "user-agent": USER_AGENT,
            "accept": names.JSON_TYPE,
            **extra,
            **signature,
        },
        body=body,
    )
