"""HTTP endpoints: public URLs whose requests start runs, or are answered by the app."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure.wire import headers as names
from perdure.wire.headers import JSON_TYPE
from perdure.wire.sources import ImmediateResponse
from perdure_engine import endpoints, http_endpoints
from perdure_server.auth import caller_of
from perdure_server.body import read_body
from perdure_server.endpoint_client import EndpointFailure
from perdure_server.errors import ApiError
from perdure_server.json_text import decode_json, encode_json
from perdure_server.messages.http_endpoints import HttpEndpoint
from perdure_server.params import path_text, path_uuid
from perdure_server.received import received_headers, received_url
from perdure_server.responses import json_response
from perdure_server.routing import ANY_METHOD, Access, Operation
from perdure_server.services import Services, services_of

logger = logging.getLogger("perdure.server")

# They are about the app's own connection and body, or would set cookies for this server's origin.
_NOT_PLAYED_BACK = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "set-cookie",
        "transfer-encoding",
        "upgrade",
    )
)
_WITHOUT_BODY = (204, 304)


async def list_http_endpoints(request: Request) -> Response:
    """List the HTTP endpoints that take requests, with their URLs."""
    async with services_of(request).connection() as conn:
        found = await http_endpoints.list_http_endpoints(conn, caller_of(request).environment_id)
    return json_response(found)


async def receive_http_endpoint_request(request: Request) -> Response:
    """Take a request to an HTTP endpoint.

    No key: the app checks who sent it. What the app wants to answer itself, it is asked for at once, and its
    answer is played back. Else, and when it answers 200, the request starts the jobs that listen: as an
    event, whose `rawBody` is the body as text, with U+FFFD for what is no UTF-8; or, when the HTTP endpoint
    is a webhook's, as a delivery to the app, byte for byte. The answer is then empty. A request with the
    header `idempotency-key` or `x-request-id` becomes one event, however often it is sent.
    """
    services = services_of(request)
    body = await read_body(request, limit=services.settings.webhook_body_limit)
    outcome = await _receive(services, request, body, answered=False)
    if outcome["outcome"] == "ACCEPTED":
        return Response()
    response = await _ask_app(services, outcome, request, body)
    if response.status == 200 and not outcome["skipTriggeringRuns"]:
        await _receive(services, request, body, answered=True)
    return _play_back(response)


async def _receive(services: Services, request: Request, body: bytes, *, answered: bool) -> dict[str, Any]:
    raw_body = body.decode(errors="replace")
    received = {
        "url": received_url(request),
        "method": request.method,
        "headers": received_headers(request),
        "rawBody": raw_body,
    }
    async with services.connection() as conn:
        outcome: dict[str, Any] = decode_json(
            await http_endpoints.receive_http_endpoint_request(
                conn,
                path_uuid(request, "httpEndpointId", what="HTTP endpoint"),
                path_text(request, "environment"),
                path_text(request, "shortcode"),
                encode_json(received).encode(),
                None if raw_body.encode() == body and b"\0" not in body else body,
                answered,
            )
        ).value
    return outcome


async def _ask_app(
    services: Services, asked: dict[str, Any], request: Request, body: bytes
) -> ImmediateResponse:
    async with services.connection() as conn:
        access = await endpoints.get_endpoint_access(conn, asked["environmentId"], asked["endpoint"])
    described = {
        names.SOURCE_KEY: asked["key"],
        names.SOURCE_HTTP_URL: received_url(request),
        names.SOURCE_HTTP_METHOD: request.method,
        names.SOURCE_HTTP_HEADERS: encode_json(received_headers(request)),
    }
    sealed = access.sealed_api_key
    key = None if sealed is None else services.secrets.open(sealed)
    try:
        return await services.endpoints.respond(access.url, described, body, access.signing_secrets, key)
    except EndpointFailure as failure:  # what it says is not for strangers
        logger.warning("HTTP endpoint %r of app %r: %s", asked["key"], asked["endpoint"], failure.text)
        raise ApiError(
            502, "APP_FAILED", "the app did not answer as it should; the server's log says why"
        ) from failure


def _play_back(response: ImmediateResponse) -> Response:
    played = Response(_content(response), status_code=response.status)
    given = {name.lower(): text for name, text in (response.headers or {}).items()}
    if response.body is not None and not isinstance(response.body, str):
        given.setdefault("content-type", JSON_TYPE)
    for name, text in given.items():
        if name not in _NOT_PLAYED_BACK:
            played.headers[name] = text
    # The dashboard may be on this origin: a page of an app must not run scripts in it.
    played.headers["content-security-policy"] = "sandbox"
    return played


def _content(response: ImmediateResponse) -> bytes | None:
    if response.body is None or response.status in _WITHOUT_BODY:
        return None
    text = response.body if isinstance(response.body, str) else encode_json(response.body)
    return text.encode()


operations = [
    Operation(
        ANY_METHOD, "/api/v1/http-endpoints/{httpEndpointId}/env/{environment}/{shortcode}",
        receive_http_endpoint_request, access=Access.OPEN, any_status=True, errors=(404, 413, 502, 503),
    ),
    Operation(
        "GET", "/api/v1/http-endpoints", list_http_endpoints,
        answer=TypeAdapter(list[HttpEndpoint]), errors=(409,),
    ),
]  # fmt: skip
