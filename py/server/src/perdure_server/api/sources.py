"""Sources: registration by the app's internal job, and the requests that providers send."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.sources import UpdateSource, UpdateSourceAnswer
from perdure_engine import sources
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_body, read_json_object
from perdure_server.json_text import encode_json
from perdure_server.params import path_text, path_uuid
from perdure_server.received import received_headers, received_url
from perdure_server.responses import json_response, value_response
from perdure_server.routing import ANY_METHOD, Access, Operation
from perdure_server.services import services_of


async def update_source(request: Request) -> Response:
    """Tell that a source is registered at its provider: from now on it takes requests."""
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(UpdateSource, document)
    update = engine_text(body, document, verbatim=("data",))
    async with services.connection() as conn:
        source = await sources.update_source(
            conn, caller_of(request).environment_id, path_text(request, "key"), update.encode()
        )
    return json_response(source)


async def receive_source_request(request: Request) -> Response:
    """Take a request that a provider sends to a source.

    It is stored as it came, answered at once, and handed to the app by the dispatcher. No key: the app checks
    the provider's signature. Requests to a source that is not active are dropped.
    """
    services = services_of(request)
    source_id = path_uuid(request, "sourceId", what="source")
    body = await read_body(request, limit=services.settings.webhook_body_limit)
    headers = encode_json(received_headers(request)).encode()
    async with services.connection() as conn:
        await sources.receive_source_request(
            conn, source_id, received_url(request), request.method, headers, body
        )
    return value_response({"ok": True})


operations = [
    Operation(
        "PUT", "/api/v2/{clientId}/sources/{key}", update_source,
        body=UpdateSource, answer=UpdateSourceAnswer, errors=(404,), raw_key=True,
    ),
    Operation(
        ANY_METHOD, "/api/v1/sources/http/{sourceId}", receive_source_request,
        access=Access.OPEN, answer=TypeAdapter(dict[str, bool]), errors=(404, 413, 503),
    ),
]  # fmt: skip
