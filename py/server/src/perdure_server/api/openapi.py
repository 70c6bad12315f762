"""The API's own description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation


async def get_openapi(request: Request) -> Response:
    """Describe the API as an OpenAPI 3.1 document."""
    return json_response(request.scope["app"].openapi)


operations = [Operation("GET", "/api/openapi.json", get_openapi, access=Access.OPEN)]
