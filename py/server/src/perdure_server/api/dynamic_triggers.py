"""Dynamic triggers: attaching sources to them at run time."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.headers import IDEMPOTENCY_KEY
from perdure.wire.sources import RegisterTrigger, RegisterTriggerAnswer
from perdure_engine import dynamic_triggers, endpoints
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_json_object
from perdure_server.endpoint_client import EndpointFailure
from perdure_server.errors import ApiError
from perdure_server.json_text import JsonText, encode_json, join_object, split_object
from perdure_server.params import path_text
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def register_dynamic_trigger(request: Request) -> Response:
    """Attach a source to a dynamic trigger: what it brings in starts the trigger's jobs.

    The body has `rule` and `source`, as the JavaScript SDK makes them, or just `params`: the app is asked
    what it makes of them. Registering the same key again takes the place of what was there. A source that is
    not registered at its provider asks the app's internal job for it, by an event.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(RegisterTrigger, document)
    if body.rule is None:
        registration = await _initialize(request, body, split_object(document))
    else:
        registration = engine_text(body, document, verbatim=("rule", "source", "params", "metadata"))
    async with services.connection() as conn:
        registered = await dynamic_triggers.register_dynamic_trigger(
            conn,
            caller_of(request).environment_id,
            path_text(request, "dynamicTriggerId"),
            path_text(request, "key"),
            registration.encode(),
            request.headers.get(IDEMPOTENCY_KEY) or None,
        )
    return json_response(registered)


async def _initialize(request: Request, body: RegisterTrigger, given: dict[str, JsonText]) -> str:
    """What the app wants registered for ``params``, with the account and metadata of the request."""
    services = services_of(request)
    async with services.connection() as conn:
        access = await endpoints.get_endpoint_access(
            conn, caller_of(request).environment_id, path_text(request, "clientId")
        )
    own = {} if body.account_id is None else {"accountId": encode_json(body.account_id)}
    if "metadata" in given:
        own["metadata"] = given["metadata"].text
    question = {
        "id": encode_json(path_text(request, "dynamicTriggerId")),
        "params": given["params"].text,
        **own,
    }
    sealed = access.sealed_api_key
    key = None if sealed is None else services.secrets.open(sealed)
    try:
        answer = await services.endpoints.initialize_trigger(
            access.url, join_object(question).encode(), access.signing_secrets, key
        )
    except EndpointFailure as failure:
        raise ApiError(400, failure.code, failure.text) from failure
    answered = {name: member.text for name, member in split_object(answer).items()}
    return join_object({**answered, **own})


operations = [
    Operation(
        "PUT", "/api/v2/{clientId}/triggers/{dynamicTriggerId}/registrations/{key}", register_dynamic_trigger,
        body=RegisterTrigger, answer=RegisterTriggerAnswer, errors=(404, 409), raw_key=True,
        headers={IDEMPOTENCY_KEY: "With the same again, the app is asked to register at the provider once."},
    ),
]  # fmt: skip
