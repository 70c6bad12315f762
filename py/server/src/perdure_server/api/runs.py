"""Runs: reading, listing, cancelling, doing them again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.events import RunMetadata, RunMetadataChange
from perdure.wire.runs import Run, RunList
from perdure_engine import runs
from perdure_server.auth import caller_of, is_secret
from perdure_server.body import check_body, engine_text, read_json_object, read_query
from perdure_server.json_text import split_object
from perdure_server.messages.runs import ListRunsQuery, RerunBody, RunQuery
from perdure_server.params import path_uuid
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of
from perdure_server.version_1 import to_version_1


async def get_run(request: Request) -> Response:
    """Show a run with a page of its tasks, oldest first."""
    return json_response(await _read_run(request))


async def get_run_v1(request: Request) -> Response:
    """Show a run to clients of version 1.

    They know no EXECUTING, WAITING_TO_CONTINUE and WAITING_TO_EXECUTE: these read as STARTED.
    """
    return json_response(to_version_1(await _read_run(request)))


async def list_runs(request: Request) -> Response:
    """List the environment's runs, newest first."""
    query = read_query(ListRunsQuery, request)
    async with services_of(request).connection() as conn:
        page = await runs.list_runs(
            conn,
            caller_of(request).environment_id,
            status=query.status,
            job=query.job,
            tags=query.tag,
            cursor=str(query.cursor) if query.cursor else None,
            take=query.take,
        )
    return json_response(page)


async def set_run_metadata(request: Request) -> Response:
    """Change the tags and the metadata of a run, which may have ended.

    What is absent stays; the same change again changes nothing.
    """
    services = services_of(request)
    run_id = path_uuid(request, "runId", what="run")
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    change = engine_text(check_body(RunMetadataChange, document), document, verbatim=("metadata",))
    async with services.connection() as conn:
        changed = await runs.set_run_metadata(
            conn, caller_of(request).environment_id, run_id, change.encode()
        )
    return json_response(changed)


async def cancel_run(request: Request) -> Response:
    """Cancel a run.

    200 also when it was cancelled before; 409 JQ003 when it had ended otherwise.
    """
    run_id = path_uuid(request, "runId", what="run")
    async with services_of(request).connection() as conn:
        run = await runs.cancel_run(conn, caller_of(request).environment_id, run_id)
    return json_response(run)


async def rerun_run(request: Request) -> Response:
    """Do all of a run's work again, as a new run for a copy of its event.

    With another payload, if the body has one. It gets the job's newest version; 409 JQ002 when that is
    disabled. The answer is the new run.
    """
    services = services_of(request)
    run_id = path_uuid(request, "runId", what="run")
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    check_body(RerunBody, document)
    payload = split_object(document).get("payload")
    async with services.connection() as conn:
        run = await runs.rerun_run(
            conn, caller_of(request).environment_id, run_id, payload.text.encode() if payload else None
        )
    return json_response(run)


async def continue_run(request: Request) -> Response:
    """Let a run that ended without success go on where it stopped.

    Finished tasks keep their results. 409 JQ002 when it has not ended, 409 JQ003 when it ended with success.
    """
    run_id = path_uuid(request, "runId", what="run")
    async with services_of(request).connection() as conn:
        run = await runs.continue_run(conn, caller_of(request).environment_id, run_id)
    return json_response(run)


async def _read_run(request: Request) -> bytes:
    run_id = path_uuid(request, "runId", what="run")
    query = read_query(RunQuery, request)
    caller = caller_of(request)
    async with services_of(request).connection() as conn:
        return await runs.get_run(
            conn,
            caller.environment_id,
            run_id,
            subtasks=query.subtasks,
            task_details=query.taskdetails and is_secret(caller),  # params and outputs are not for browsers
            cursor=str(query.cursor) if query.cursor else None,
            take=query.take,
        )


operations = [
    Operation(
        "GET", "/api/v2/runs/{runId}", get_run,
        access=Access.RUN, query=RunQuery, answer=Run, errors=(404,),
    ),
    Operation(
        "GET", "/api/v1/runs/{runId}", get_run_v1,
        access=Access.RUN, query=RunQuery, answer=Run, errors=(404,),
    ),
    Operation("GET", "/api/v1/runs", list_runs, query=ListRunsQuery, answer=RunList),
    Operation(
        "PUT", "/api/v1/runs/{runId}/metadata", set_run_metadata,
        body=RunMetadataChange, answer=RunMetadata, errors=(404,),
    ),
    Operation("POST", "/api/v1/runs/{runId}/cancel", cancel_run, answer=Run, errors=(404, 409)),
    Operation("POST", "/api/v1/runs/{runId}/rerun", rerun_run, body=RerunBody, answer=Run, errors=(404, 409)),
    Operation("POST", "/api/v1/runs/{runId}/continue", continue_run, answer=Run, errors=(404, 409)),
]  # fmt: skip
