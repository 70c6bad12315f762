"""Ephemeral dispatchers: one event is sent to a URL, such as the callback of a task that waits for it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.events import EphemeralDispatcherAnswer, EphemeralDispatcherBody
from perdure_engine import events
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_json_object
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def register_ephemeral_dispatcher(request: Request) -> Response:
    """Have the first event that matches sent to a URL, once.

    The same URL again replaces what was wanted there.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(EphemeralDispatcherBody, document)
    wanted = engine_text(body, document, verbatim=("filter", "contextFilter"))
    async with services.connection() as conn:
        dispatcher = await events.register_ephemeral_dispatcher(
            conn, caller_of(request).environment_id, wanted.encode()
        )
    return json_response(dispatcher)


operations = [
    Operation(
        "POST", "/api/v1/event-dispatchers/ephemeral", register_ephemeral_dispatcher,
        body=EphemeralDispatcherBody, answer=EphemeralDispatcherAnswer,
    ),
]  # fmt: skip
