"""Webhooks that register themselves: what the app's internal jobs say of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.sources import UpdateWebhook, UpdateWebhookAnswer
from perdure_engine import webhooks
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_json_object
from perdure_server.params import path_text
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def update_webhook(request: Request) -> Response:
    """Tell that a webhook is registered at its provider with this configuration, or that it is not."""
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    update = engine_text(check_body(UpdateWebhook, document), document, verbatim=())
    async with services.connection() as conn:
        webhook = await webhooks.update_webhook(
            conn, caller_of(request).environment_id, path_text(request, "key"), update.encode()
        )
    return json_response(webhook)


operations = [
    Operation(
        "PUT", "/api/v1/webhooks/{key}", update_webhook,
        body=UpdateWebhook, answer=UpdateWebhookAnswer, errors=(404,), raw_key=True,
    ),
]  # fmt: skip
