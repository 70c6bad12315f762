"""AWS Lambda behind API Gateway (REST and HTTP APIs), a function URL or a load balancer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

from perdure.endpoint import Endpoint, EndpointAnswer

LambdaEvent: TypeAlias = Mapping[str, Any]


class LambdaHandler:
    """Translates Lambda's events for the endpoint.

    An execution ends in time for the function's own timeout. No connection outlives an invocation, so it
    does no harm that the function is frozen after it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __call__(self, event: LambdaEvent, context: Any) -> dict[str, Any]:
        """One invocation.

        Raises:
            ValueError: the event is no HTTP request.
        """
        time_left = getattr(context, "get_remaining_time_in_millis", None)
        answer = self._endpoint.handle_blocking(
            _method(event),
            _headers(event),
            _body(event),
            time_left_ms=None if time_left is None else time_left(),
        )
        return _result(answer, multiple="headers" not in event and "multiValueHeaders" in event)


def _method(event: LambdaEvent) -> str:
    request = event.get("requestContext") or {}
    method = event.get("httpMethod") or (request.get("http") or {}).get("method")
    if not isinstance(method, str):
        raise ValueError(
            "this Lambda event is no HTTP request: let API Gateway, a function URL or a load balancer call"
        )
    return method


def _headers(event: LambdaEvent) -> dict[str, str]:
    """By lower-case names; of a repeated header the first counts, where Lambda tells them apart."""
    several: Mapping[str, list[str]] = event.get("multiValueHeaders") or {}
    headers: dict[str, str] = {}
    for name, values in several.items():
        if values:
            headers.setdefault(name.lower(), values[0])
    for name, value in (event.get("headers") or {}).items():
        headers.setdefault(name.lower(), value)
    return headers


def _body(event: LambdaEvent) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _result(answer: EndpointAnswer, *, multiple: bool) -> dict[str, Any]:
    """What Lambda is given back; a load balancer that sends ``multiValueHeaders`` alone wants them, too."""
    try:
        body, is_base64 = answer.body.decode(), False
    except UnicodeDecodeError:
        body, is_base64 = base64.b64encode(answer.body).decode(), True
    headers: dict[str, Any] = (
        {"multiValueHeaders": {name: [value] for name, value in answer.headers.items()}}
        if multiple
        else {"headers": dict(answer.headers)}
    )
    return {"statusCode": answer.status, **headers, "body": body, "isBase64Encoded": is_base64}
