"""The key-value store of an environment; its jobs and runs have parts of it by the beginning of the key."""

from __future__ import annotations

from pydantic import JsonValue, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.runs import StoreItem, StoreItemDeleted
from perdure_engine import store
from perdure_server.auth import caller_of
from perdure_server.body import read_json
from perdure_server.errors import ApiError
from perdure_server.params import path_text
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of

_VALUE_LIMIT = 256 * 1024


async def get_store_item(request: Request) -> Response:
    """Read a value: its JSON text in a string, absent when there is none."""
    async with services_of(request).connection() as conn:
        item = await store.get_store_item(conn, caller_of(request).environment_id, path_text(request, "key"))
    return json_response(item)


async def has_store_item(request: Request) -> Response:
    """Tell whether there is a value: 200 when there is one, 404 when there is none."""
    key = path_text(request, "key")
    async with services_of(request).connection() as conn:
        if not await store.has_store_item(conn, caller_of(request).environment_id, key):
            raise ApiError(404, "JQ001", f"there is no value for the key {key!r} in this environment")
    return Response()


async def set_store_item(request: Request) -> Response:
    """Keep a value, any JSON of at most 256 KiB, in place of what was there.

    The body is the value itself, whatever its content type.
    """
    value = await read_json(request, limit=_VALUE_LIMIT)
    if value is None:
        raise ApiError(400, "INVALID_BODY", "the body must be the value as JSON; to remove one, use DELETE")
    async with services_of(request).connection() as conn:
        item = await store.set_store_item(
            conn, caller_of(request).environment_id, path_text(request, "key"), value.text.encode()
        )
    return json_response(item)


async def delete_store_item(request: Request) -> Response:
    """Remove a value; the answer says whether there was one."""
    async with services_of(request).connection() as conn:
        outcome = await store.delete_store_item(
            conn, caller_of(request).environment_id, path_text(request, "key")
        )
    return json_response(outcome)


operations = [
    Operation("GET", "/api/v1/store/{key}", get_store_item, answer=StoreItem),
    Operation("HEAD", "/api/v1/store/{key}", has_store_item, errors=(404,)),
    Operation("PUT", "/api/v1/store/{key}", set_store_item, body=TypeAdapter(JsonValue), answer=StoreItem),
    Operation("DELETE", "/api/v1/store/{key}", delete_store_item, answer=StoreItemDeleted),
]
