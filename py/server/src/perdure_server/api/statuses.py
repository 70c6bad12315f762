"""Statuses: what runs tell people of their progress."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.runs import RunStatuses, StatusRecord, StatusUpdate
from perdure_engine import statuses
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_json_object
from perdure_server.params import path_text, path_uuid
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of
from perdure_server.version_1 import to_version_1


async def set_run_status(request: Request) -> Response:
    """Set a status of a run, or change it: what is absent stays, and what it was goes into its history."""
    services = services_of(request)
    run_id = path_uuid(request, "runId", what="run")
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    update = engine_text(check_body(StatusUpdate, document), document, verbatim=("data",))
    async with services.connection() as conn:
        status = await statuses.set_run_status(
            conn, caller_of(request).environment_id, run_id, path_text(request, "statusKey"), update.encode()
        )
    return json_response(status)


async def get_run_statuses(request: Request) -> Response:
    """Show the statuses of a run, in the order in which they were first set."""
    return json_response(await _read_statuses(request))


async def get_run_statuses_v1(request: Request) -> Response:
    """Show the statuses of a run to clients of version 1.

    They know no EXECUTING, WAITING_TO_CONTINUE and WAITING_TO_EXECUTE: these read as STARTED.
    """
    return json_response(to_version_1(await _read_statuses(request)))


async def _read_statuses(request: Request) -> bytes:
    run_id = path_uuid(request, "runId", what="run")
    async with services_of(request).connection() as conn:
        return await statuses.get_run_statuses(conn, caller_of(request).environment_id, run_id)


operations = [
    Operation(
        "PUT", "/api/v1/runs/{runId}/statuses/{statusKey}", set_run_status,
        body=StatusUpdate, answer=StatusRecord, errors=(404,),
    ),
    Operation(
        "GET", "/api/v2/runs/{runId}/statuses", get_run_statuses,
        access=Access.RUN, answer=RunStatuses, errors=(404,),
    ),
    Operation(
        "GET", "/api/v1/runs/{runId}/statuses", get_run_statuses_v1,
        access=Access.RUN, answer=RunStatuses, errors=(404,),
    ),
]  # fmt: skip
