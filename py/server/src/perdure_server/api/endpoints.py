"""Endpoints: registering an app's URL and reading its jobs."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure_engine import endpoints
from perdure_server.auth import caller_of, key_of
from perdure_server.body import check_body, read_body, read_json_object
from perdure_server.endpoint_client import EndpointFailure
from perdure_server.errors import ApiError
from perdure_server.json_text import MalformedJson, decode_json, split_object
from perdure_server.messages.endpoints import (
    Endpoint,
    EndpointIndex,
    IndexRequest,
    Probe,
    RegisteredEndpoint,
    RegisterEndpointBody,
)
from perdure_server.params import path_text, path_uuid
from perdure_server.registration import ClearKey, index_endpoint, register_endpoint
from perdure_server.responses import json_response, model_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of


async def create_endpoint(request: Request) -> Response:
    """Register an app's URL, or a new one for an app that is registered, and read its jobs.

    The app is asked first whether it has this id, or which it has; 400 with the reason when it does not
    answer as it should. An app of the v2 JavaScript SDK is sent the key of this request, which is kept
    encrypted.
    What came of reading its jobs is told by `GET /api/v1/endpointindex/{indexId}`.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(RegisterEndpointBody, document)
    caller = caller_of(request)
    try:
        endpoint = await register_endpoint(
            services,
            caller.environment_id,
            url=body.url,
            slug=body.id,
            timeout_ms=body.timeout_ms,
            key=ClearKey(caller.api_key_id, key_of(request)),
        )
    except EndpointFailure as failure:
        raise ApiError(400, failure.code, failure.text) from failure
    return json_response(endpoint)


async def refresh_endpoint(request: Request) -> Response:
    """Read an endpoint's jobs again.

    200 also when that failed: the answer says so in ``status`` and ``error``.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(IndexRequest, document)
    data = split_object(document).get("data")
    index = await index_endpoint(
        services,
        caller_of(request).environment_id,
        path_text(request, "slug"),
        reason=body.reason,
        data=None if data is None else data.text.encode(),
    )
    return json_response(index)


async def index_hook(request: Request) -> Response:
    """Have an endpoint's jobs read in five seconds: for the deploy hook of a host.

    No key: the last part of the URL, the endpoint's ``indexingHookIdentifier``, is secret. JSON that the host
    sends is kept with the index. Calls within the five seconds are one.
    """
    services = services_of(request)
    environment_id = path_uuid(request, "environmentId", what="environment")
    sent = await read_body(request, limit=services.settings.json_body_limit)
    try:
        data = decode_json(sent).text.encode()
    except MalformedJson:  # a host sends what it likes
        data = None
    async with services.connection() as conn:
        index = await endpoints.request_index(
            conn, environment_id, path_text(request, "slug"), path_text(request, "hookId"), data
        )
    return json_response(index)


async def probe_endpoint(request: Request) -> Response:
    """Find out how long the app's host lets a function live.

    The app is asked to sleep for two minutes; from then on executions are told to yield before their end.
    """
    async with services_of(request).connection() as conn:
        endpoint = await endpoints.get_endpoint(
            conn, caller_of(request).environment_id, path_text(request, "slug")
        )
        delivery_id = await endpoints.probe_endpoint(conn, decode_json(endpoint).value["id"])
    return model_response(Probe(id=delivery_id))


async def list_endpoints(request: Request) -> Response:
    """List the environment's endpoints."""
    async with services_of(request).connection() as conn:
        found = await endpoints.list_endpoints(conn, caller_of(request).environment_id)
    return json_response(found)


async def get_index(request: Request) -> Response:
    """Show what came of reading an endpoint's jobs."""
    index_id = path_uuid(request, "indexId", what="index")
    async with services_of(request).connection() as conn:
        index = await endpoints.get_index(conn, caller_of(request).environment_id, index_id)
    return json_response(index)


operations = [
    Operation(
        "POST", "/api/v1/endpoints", create_endpoint, body=RegisterEndpointBody, answer=RegisteredEndpoint
    ),
    Operation("GET", "/api/v1/endpoints", list_endpoints, answer=TypeAdapter(list[Endpoint])),
    Operation(
        "POST", "/api/v1/endpoints/{slug}/index", refresh_endpoint,
        body=IndexRequest, answer=EndpointIndex, errors=(404,),
    ),
    Operation(
        ("GET", "POST"), "/api/v1/endpoints/{environmentId}/{slug}/index/{hookId}", index_hook,
        access=Access.OPEN, answer=EndpointIndex, errors=(404, 413, 503),
    ),
    Operation("POST", "/api/v1/endpoints/{slug}/probe", probe_endpoint, answer=Probe, errors=(404,)),
    Operation("GET", "/api/v1/endpointindex/{indexId}", get_index, answer=EndpointIndex, errors=(404,)),
]  # fmt: skip
