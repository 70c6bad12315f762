"""Connections: accounts at services, the developer's and those of the app's end users."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.execution import ConnectionAuth
from perdure.wire.runs import Connection, CreateConnectionBody
from perdure_engine import connections
from perdure_server.auth import caller_of
from perdure_server.body import check_body, read_json_object
from perdure_server.json_text import encode_json, join_object, split_object
from perdure_server.params import path_text, path_uuid
from perdure_server.responses import json_response, model_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def create_account_connection(request: Request) -> Response:
    """Store an end user's account at a service, or its new token.

    The token is kept encrypted and never shown again. Runs for this end user that waited for it go on.
    """
    return await _create(request, path_text(request, "accountId"))


async def create_connection(request: Request) -> Response:
    """Store the developer's own account at a service, or its new token.

    The token is kept encrypted; only the app can ask for it. Runs that waited for it go on.
    """
    return await _create(request, None)


async def get_connection(request: Request) -> Response:
    """Show an account at a service, without its token."""
    connection_id = path_uuid(request, "connectionId", what="connection")
    async with services_of(request).connection() as conn:
        found = await connections.get_connection(
            conn, caller_of(request).environment_id, path_text(request, "slug"), connection_id
        )
    return json_response(found)


async def delete_connection(request: Request) -> Response:
    """Forget an account at a service and its token.

    Runs that start from now on wait for a new one.
    """
    connection_id = path_uuid(request, "connectionId", what="connection")
    async with services_of(request).connection() as conn:
        deleted = await connections.delete_connection(
            conn, caller_of(request).environment_id, path_text(request, "slug"), connection_id
        )
    return json_response(deleted)


async def get_auth(request: Request) -> Response:
    """Give an app the developer's account at a service, with its token."""
    services = services_of(request)
    async with services.connection() as conn:
        sealed = json.loads(
            await connections.get_auth(
                conn,
                caller_of(request).environment_id,
                path_text(request, "clientId"),
                path_text(request, "integrationId"),
            )
        )
    token = services.secrets.open(sealed.pop("sealedToken"))
    return model_response(ConnectionAuth.model_validate({**sealed, "accessToken": token}))


async def _create(request: Request, account: str | None) -> Response:
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(CreateConnectionBody, document)
    members = {
        "type": encode_json(body.type),
        "sealedToken": encode_json(services.secrets.seal(body.access_token)),
        "scopes": encode_json(body.scopes),
        "additionalFields": encode_json(body.additional_fields),
    }
    if metadata := split_object(document).get("metadata"):
        members["metadata"] = metadata.text
    async with services.connection() as conn:
        created = await connections.create_connection(
            conn,
            caller_of(request).environment_id,
            account,
            path_text(request, "slug"),
            join_object(members).encode(),
        )
    return json_response(created)


operations = [
    Operation(
        "POST", "/api/v1/accounts/{accountId}/connections/{slug}", create_account_connection,
        body=CreateConnectionBody, answer=Connection, errors=(404,),
    ),
    Operation(
        "POST", "/api/v1/integrations/{slug}/connections", create_connection,
        body=CreateConnectionBody, answer=Connection, errors=(404,),
    ),
    Operation(
        "GET", "/api/v1/integrations/{slug}/connections/{connectionId}", get_connection,
        answer=Connection, errors=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/integrations/{slug}/connections/{connectionId}", delete_connection,
        answer=Connection, errors=(404,),
    ),
    Operation(
        "GET", "/api/v1/{clientId}/auth/{integrationId}", get_auth,
        answer=ConnectionAuth, errors=(404,),
    ),
]  # fmt: skip
