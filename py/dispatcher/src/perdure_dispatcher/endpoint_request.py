"""Pure builders of the platform's requests to an endpoint: headers and body, ready to POST.

All are signed. ``api_key`` sends the key itself besides: only the v2 JavaScript SDK wants that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perdure.wire import headers as names
from perdure.wire.headers import Action
from perdure.wire.signing import sign

USER_AGENT = "perdure"

_ALWAYS = {
    names.PLATFORM_VERSION: names.PROTOCOL_VERSION,
    names.PERDURE_VERSION: names.EXTENSION_VERSION,
    "user-agent": USER_AGENT,
    "accept": names.JSON_TYPE,
}
_JSON = {"content-type": names.JSON_TYPE}
_NDJSON = {"content-type": names.NDJSON_TYPE}


class EndpointRequest(NamedTuple):
    """What to POST to an endpoint's URL."""

    headers: dict[str, str]
    body: bytes


def ping(
    endpoint_id: str, *, secrets: Sequence[bytes], now: float, api_key: str | None = None
) -> EndpointRequest:
    """PING: is this the app with that id? ``now`` is in unix seconds, here and below."""
    return _request(
        Action.PING, b"", {names.ENDPOINT_ID: endpoint_id}, secrets=secrets, now=now, api_key=api_key
    )


def validate(*, secrets: Sequence[bytes], now: float, api_key: str | None = None) -> EndpointRequest:
    """VALIDATE: which id does this app have?"""
    return _request(Action.VALIDATE, b"", {}, secrets=secrets, now=now, api_key=api_key)


def index_endpoint(*, secrets: Sequence[bytes], now: float, api_key: str | None = None) -> EndpointRequest:
    """INDEX_ENDPOINT: which jobs and sources does this app have?"""
    return _request(Action.INDEX_ENDPOINT, b"", {}, secrets=secrets, now=now, api_key=api_key)


def execute_job(
    body: bytes, *, secrets: Sequence[bytes], now: float, api_key: str | None = None
) -> EndpointRequest:
    """EXECUTE_JOB with the body that the claim returned, sent as it is."""
    return _request(Action.EXECUTE_JOB, body, _JSON, secrets=secrets, now=now, api_key=api_key)


def execute_jobs(
    body: bytes, *, secrets: Sequence[bytes], now: float, api_key: str | None = None
) -> EndpointRequest:
    """EXECUTE_JOBS with a line for each execution."""
    return _request(Action.EXECUTE_JOBS, body, _NDJSON, secrets=secrets, now=now, api_key=api_key)


def deliver(
    action: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[bytes],
    now: float,
    api_key: str | None = None,
) -> EndpointRequest:
    """Any other action, with the headers and the body that the claim of a delivery returned."""
    return _request(action, body, headers, secrets=secrets, now=now, api_key=api_key)


def message_id_for(action: str) -> str:
    """A new ``webhook-id``. It names the action: the signature covers the id, so it covers the action too."""
    return f"{action}_{os.urandom(16).hex()}"


def _request(
    action: str,
    body: bytes,
    extra: Mapping[str, str],
    *,
    secrets: Sequence[bytes],
    now: float,
    api_key: str | None = None,
) -> EndpointRequest:
    key = {} if api_key is None else {names.API_KEY: api_key}
    signature = sign(secrets, message_id=message_id_for(action), timestamp=int(now), body=body)
    return EndpointRequest(
        headers={
            names.ACTION: str(action),
            **_ALWAYS,
            **extra,
            **key,
            **signature,
        },
        body=body,
    )
