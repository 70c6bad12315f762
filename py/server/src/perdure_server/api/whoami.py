"""Whose key is this?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure_engine.environments import describe_environment
from perdure_server.auth import caller_of
from perdure_server.messages.endpoints import Whoami
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def whoami(request: Request) -> Response:
    """Tell which environment the key belongs to."""
    async with services_of(request).connection() as conn:
        return json_response(await describe_environment(conn, caller_of(request).environment_id))


operations = [Operation("GET", "/api/v1/whoami", whoami, answer=Whoami)]
