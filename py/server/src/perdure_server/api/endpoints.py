"""Endpoints: registering an app's URL and reading its jobs."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure_engine import endpoints
from perdure_server.auth import caller_of
from perdure_server.body import check_body, read_json_object
from perdure_server.endpoint_client import EndpointFailure
from perdure_server.errors import ApiError
from perdure_server.messages.endpoints import (
    Endpoint,
    EndpointIndex,
    RegisteredEndpoint,
    RegisterEndpointBody,
)
from perdure_server.params import path_text, path_uuid
from perdure_server.registration import index_endpoint, register_endpoint
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def create_endpoint(request: Request) -> Response:
    """Register an app's URL, or a new one for an app that is registered, and read its jobs.

    The app is asked first whether it has this id; 400 with the reason when it does not answer as it should.
    What came of reading its jobs is told by ``GET /api/v1/endpointindex/{indexId}``.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(RegisterEndpointBody, document)
    try:
        endpoint = await register_endpoint(
            services, caller_of(request).environment_id, body.id, body.url, body.timeout_ms
        )
    except EndpointFailure as failure:
        raise ApiError(400, failure.code, failure.text) from failure
    return json_response(endpoint)


async def refresh_endpoint(request: Request) -> Response:
    """Read an endpoint's jobs again.

    200 also when that failed: the answer says so in ``status`` and ``error``.
    """
    environment_id = caller_of(request).environment_id
    return json_response(
        await index_endpoint(services_of(request), environment_id, path_text(request, "slug"))
    )


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
        "POST", "/api/v1/endpoints/{slug}/index", refresh_endpoint, answer=EndpointIndex, errors=(404,)
    ),
    Operation("GET", "/api/v1/endpointindex/{indexId}", get_index, answer=EndpointIndex, errors=(404,)),
]
