"""The platform's requests about what others sent, as it signs and describes them."""

from __future__ import annotations

import json
from typing import Any

import httpx

from perdure import Perdure
from perdure.integrations import HttpRequest, WebhookRequest
from perdure.wire import headers as names
from tests.sdk.fake_platform import post
from tests.support.signed_requests import signed


async def ask(
    app: Perdure, action: str, body: bytes | Any = b"", headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send an action, with JSON or bytes as its body."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await post(app, signed(action, content, headers))


def _described(key: str, request: HttpRequest) -> dict[str, str]:
    return {
        names.SOURCE_KEY: key,
        names.SOURCE_HTTP_URL: request.url,
        names.SOURCE_HTTP_METHOD: request.method,
        names.SOURCE_HTTP_HEADERS: json.dumps(request.headers),
    }


async def respond(app: Perdure, key: str, request: HttpRequest) -> httpx.Response:
    """Ask for the answer to a request to an HTTP endpoint."""
    action = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"
    return await ask(app, action, request.body, _described(key, request))


async def deliver(app: Perdure, request: WebhookRequest) -> httpx.Response:
    """Hand over a request that a webhook received."""
    headers = _described(request.key, request) | {
        names.SOURCE_SECRET: request.secret,
        names.SOURCE_PARAMS: json.dumps(request.params),
    }
    return await ask(app, "DELIVER_WEBHOOK_REQUEST", request.body, headers)
