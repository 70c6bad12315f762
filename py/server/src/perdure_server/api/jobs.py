"""Jobs: starting them directly, and their runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire import headers
from perdure.wire.runs import CancelRunsAnswer, InvokedRun, InvokeJobBody, JobRuns
from perdure_engine import environments, jobs
from perdure_engine.errors import NoSecretKey
from perdure_server.auth import caller_of, key_of
from perdure_server.body import check_body, read_json_object, read_query
from perdure_server.json_text import split_object
from perdure_server.messages.runs import JobRunsQuery
from perdure_server.params import path_text
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of


async def invoke_job(request: Request) -> Response:
    """Start a run of a job in its newest version, without an event.

    The same idempotency key again starts nothing and answers the run that it started; 409 JQ004 when the key
    is the id of an event that started no run of this job. 409 JQ002 when the job is disabled. When the run
    ends, its notification is sent to ``options.callbackUrl``.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(InvokeJobBody, document)
    if body.options is not None and body.options.callback_url is not None:
        await _keep_key(request, body.options.callback_url)
    members = split_object(document)
    payload, context = (members[name].text if name in members else "{}" for name in ("payload", "context"))
    async with services.connection() as conn:
        run = await jobs.invoke_job(
            conn,
            caller_of(request).environment_id,
            path_text(request, "jobId"),
            payload.encode(),
            context.encode(),
            body.options.to_wire_bytes() if body.options is not None else b"{}",
            request.headers.get(headers.IDEMPOTENCY_KEY) or None,
        )
    return json_response(run)


async def list_job_runs(request: Request) -> Response:
    """List a job's runs, newest first."""
    query = read_query(JobRunsQuery, request)
    async with services_of(request).connection() as conn:
        page = await jobs.list_job_runs(
            conn,
            caller_of(request).environment_id,
            path_text(request, "jobId"),
            str(query.cursor) if query.cursor else None,
            query.take,
        )
    return json_response(page)


async def cancel_job_runs(request: Request) -> Response:
    """Cancel every run of a job that is not finished."""
    async with services_of(request).connection() as conn:
        outcome = await jobs.cancel_job_runs(
            conn, caller_of(request).environment_id, path_text(request, "jobId")
        )
    return json_response(outcome)


async def _keep_key(request: Request, callback_url: str) -> None:
    """Keep the caller's key, which signs what is sent to the URL; without secret keys nothing signs it.

    The callback of a task of ours is answered inside Postgres and needs none.
    """
    services = services_of(request)
    public_url = services.settings.public_url
    if public_url is not None and callback_url.startswith(f"{public_url}/api/v1/tasks/"):
        return
    try:
        sealed = services.secrets.seal(key_of(request))
    except NoSecretKey:
        return
    async with services.connection() as conn:
        await environments.keep_sealed_key(conn, caller_of(request).api_key_id, sealed)


operations = [
    Operation(
        "POST", "/api/v1/jobs/{jobId}/invoke", invoke_job,
        body=InvokeJobBody, answer=InvokedRun, errors=(404, 409),
        headers={headers.IDEMPOTENCY_KEY: "The same key starts one run only."},
    ),
    Operation(
        "GET", "/api/v1/jobs/{jobId}/runs", list_job_runs,
        access=Access.SECRET_OR_PUBLIC, query=JobRunsQuery, answer=JobRuns, errors=(404,),
    ),
    Operation(
        "POST", "/api/v1/jobs/{jobId}/cancel-runs", cancel_job_runs, answer=CancelRunsAnswer, errors=(404,)
    ),
]  # fmt: skip
