"""Tasks of a run: stored when they end (our SDK), or opened, completed and failed one by one (the v2 SDK)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure.wire import headers
from perdure.wire.tasks import CachedTasksPage
from perdure_engine import tasks
from perdure_engine.errors import DatabaseUnavailable
from perdure_server.auth import caller_of
from perdure_server.body import (
    BodyTooLarge,
    check_body,
    decode_object,
    engine_text,
    is_json,
    read_body,
    read_json_object,
    read_own,
    read_query,
)
from perdure_server.errors import ApiError, answer_error
from perdure_server.grouped_writes import Documents, LoneTask
from perdure_server.json_text import (
    MalformedJson,
    decode_json,
    encode_json,
    escape_surrogates,
    join_object,
    split_array,
    split_object,
)
from perdure_server.messages.tasks import (
    CachedTasksQuery,
    CompleteTaskBody,
    FailTaskBody,
    RefusedLine,
    RunTaskAnswer,
    RunTaskBody,
    ServerTask,
    StoreTasksAnswer,
    StoreTasksBody,
    StoreTasksLine,
)
from perdure_server.params import is_minimal, path_uuid, uuid_of
from perdure_server.responses import json_response, lines_response
from perdure_server.routing import Operation
from perdure_server.services import Services, services_of

# One task that is done, nearly all there are: it shows nothing but its name, in ASCII.
_ONE_RECORD = re.compile(
    rb'\{"leaseNumber":(?P<lease>0|[1-9][0-9]{0,9}),"tasks":\[(?P<record>\{'
    rb'(?:"output":(?P<output>.+),)?"idempotencyKey":"(?P<key>[0-9a-f]{64})",'
    rb'"name":"(?P<name>[ !#-\[\]-~]*)","noop":false,'
    rb'"displayKey":"(?P<display_key>[ !#-\[\]-~]*)",(?P<parent>"parentKey":"[0-9a-f]{64}",)?'
    rb'"status":"COMPLETED","startedAt":"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)"\})\]\}',
    re.DOTALL,
)
_OWN_LINE = re.compile(rb'\{"runId":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",')
_MAX_LINES = 1000
_MAX_LEASE_NUMBER = 2**31 - 1
_RECORD_OWN = ("params", "output", "error", "effect")
_RUN_OWN = ("params", "retry")
_FINISH_OWN = ("params", "output", "error")


async def store_tasks(request: Request) -> Response:
    """Store tasks of an execution, finished ones with their results.

    An extension of ours: one call per task, or for many. Parents come before their children. 409 JQ005 tells
    an execution that its lease is lost and 409 JQ003 that the run has ended: it stops then.
    """
    services = services_of(request)
    raw = await read_body(request, limit=services.settings.json_body_limit)
    run_id = path_uuid(request, "runId", what="run")
    calls = calls_of(caller_of(request).environment_id, run_id, raw)
    stored = await services.tasks.upsert(calls, minimal=is_minimal(request.headers))
    return json_response(stored_answer(stored))


def calls_of(environment_id: str, run_id: str, raw: bytes) -> Documents:
    """What ``store_tasks`` has the database do, from its body.

    Raises:
        ApiError: the body is not as it should be.
    """
    plain = _plain_record(raw)
    if plain is not None:
        return _plain_call(environment_id, run_id, plain)
    return _documents(environment_id, run_id, *(_own_records(raw) or _records(raw)))


def stored_answer(stored: Sequence[bytes]) -> bytes:
    """What ``store_tasks`` answers."""
    return b'{"tasks":[%b]}' % b",".join(stored)


async def store_tasks_of_runs(request: Request) -> Response:
    """Store tasks of many executions at once: each line of the body is a call for one run.

    An extension of ours, for apps that execute many runs at the same time. Body and answer are NDJSON, of at
    most 1000 lines. The answer has a line for each, in order: what a call for that run alone would have
    answered, with its status when it would have been refused. The other lines are not touched by that.
    """
    services = services_of(request)
    raw = await read_body(request, limit=services.settings.json_body_limit)
    lines = raw.removesuffix(b"\n").split(b"\n", _MAX_LINES)
    if not raw or len(lines) > _MAX_LINES:
        raise ApiError(400, "INVALID_BODY", f"the body must have 1 to {_MAX_LINES} lines, a JSON object each")
    environment_id, minimal = caller_of(request).environment_id, is_minimal(request.headers)
    stored = await asyncio.gather(
        *[_store_line(services, environment_id, line, minimal) for line in lines], return_exceptions=True
    )
    away = [one for one in stored if isinstance(one, DatabaseUnavailable)]
    if len(away) == len(lines):
        raise away[0]
    return lines_response([await _line_answer(request, one) for one in stored])


def _store_line(
    services: Services, environment_id: str, line: bytes, minimal: bool
) -> asyncio.Future[list[bytes]]:
    """Have one line's tasks stored with those of the others."""
    try:
        return services.tasks.upsert(calls_of(environment_id, *_run_and_body(line)), minimal=minimal)
    except Exception as error:
        refused: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        refused.set_exception(error)
        return refused


def _run_and_body(line: bytes) -> tuple[str, bytes]:
    """The id of a line's run, and the body that a call for this run alone would have."""
    if (found := _OWN_LINE.match(line)) is not None:
        return found[1].decode(), b"{" + line[found.end() :]
    return uuid_of(check_body(StoreTasksLine, decode_object(line)).run_id, what="run"), line


async def _line_answer(request: Request, stored: list[bytes] | BaseException) -> bytes:
    if not isinstance(stored, BaseException):
        return stored_answer(stored)
    if not isinstance(stored, Exception):
        raise stored  # cancelled: the server stops
    refusal = await answer_error(request, stored)
    return b'{"status":%d,%b' % (refusal.status_code, bytes(refusal.body)[1:])


async def run_task(request: Request) -> Response:
    """Open a task, or meet it again: the same idempotency key in a run always means the same task.

    With ``trigger-version: 2023-09-29`` the answer is ``{"task": …}`` under the same header, with the next
    page of finished tasks beside it when ``x-cached-tasks-cursor`` asks for it; else the bare task.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(RunTaskBody, document)
    cursor = _sent_cursor(request)
    task = engine_text(body, document, verbatim=_RUN_OWN)
    (stored,) = await services.tasks.upsert((join_object({**_envelope(request), "task": task}).encode(),))
    stored = _with_force_yield(services, stored)
    if request.headers.get(headers.SDK_PROTOCOL_VERSION) != headers.PROTOCOL_VERSION:
        return json_response(stored)
    answer = b'{"task":' + stored
    if cursor is not None:
        answer += b',"cachedTasks":' + await _read_cached_tasks(request, cursor)
    versioned = {headers.SDK_PROTOCOL_VERSION: headers.PROTOCOL_VERSION}
    return json_response(answer + b"}", headers=versioned)


async def complete_task(request: Request) -> Response:
    """Complete a task with its output; ``properties`` become its output properties.

    With ``trigger-version: 2023-11-01`` ``output`` is a string that holds JSON, else it is plain JSON. A task
    that has ended is answered as it is. A body that is too large fails the task: it would be too large again.
    """
    services = services_of(request)
    try:
        document = await read_json_object(request, limit=services.settings.json_body_limit)
    except BodyTooLarge:
        message = f"Task output is too large: at most {services.settings.json_body_limit} bytes are stored"
        error = encode_json({"message": message})
        await services.tasks.finish(_finish(request, "ERRORED", {"error": error}))
        raise
    body = check_body(CompleteTaskBody, document)
    members = _members(engine_text(body, document, verbatim=_FINISH_OWN))
    serialized = request.headers.get(headers.SDK_PROTOCOL_VERSION) == headers.SERIALIZED_OUTPUT_VERSION
    if serialized and body.has_output:
        members["output"] = _serialized_output(split_object(document)["output"].value)
    completed = await services.tasks.finish(_finish(request, "COMPLETED", members))
    return json_response(_with_force_yield(services, completed))


async def fail_task(request: Request) -> Response:
    """Fail a task for good with its error. A task that has ended is answered as it is."""
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(FailTaskBody, document)
    members = _members(engine_text(body, document, verbatim=_FINISH_OWN))
    return json_response(await services.tasks.finish(_finish(request, "ERRORED", members)))


async def get_cached_tasks(request: Request) -> Response:
    """Read the tasks that did not fit into EXECUTE_JOB, page by page from its ``cachedTaskCursor`` on."""
    query = read_query(CachedTasksQuery, request)
    return json_response(await _read_cached_tasks(request, str(query.cursor)))


def _own_records(raw: bytes) -> tuple[int, list[bytes]] | None:
    """The lease number and the records of a body as our SDKs write it."""
    body = read_own(StoreTasksBody, raw)
    if body is None:
        return None
    records = [record.to_wire_bytes() for record in body.tasks]
    written = b'{"leaseNumber":%d,"tasks":[%b]}' % (body.lease_number, b",".join(records))
    return (body.lease_number, records) if written == raw else None


def _plain_record(raw: bytes) -> re.Match[bytes] | None:
    """The parts of a body with one record in which nothing is left to interpretation.

    Such a record is fit to go on as it is, which spares reading and writing it.
    """
    found = _ONE_RECORD.fullmatch(raw)
    if found is None or int(found["lease"]) > _MAX_LEASE_NUMBER or not is_json(found["output"] or b"null"):
        return None
    try:
        datetime.fromisoformat(found["at"].decode())
    except ValueError:
        return None
    return found


def _plain_call(environment_id: str, run_id: str, plain: re.Match[bytes]) -> Documents:
    """The call for such a record, with its parts unless it lies in another."""
    documents = _documents(environment_id, run_id, int(plain["lease"]), [plain["record"]])
    if plain["parent"] is not None:
        return documents
    shown = plain["key"], plain["name"], plain["display_key"]
    return LoneTask(
        documents[0], (environment_id, run_id, plain["lease"], *shown, plain["output"], plain["at"])
    )


def _documents(environment_id: str, run_id: str, lease_number: int, records: Sequence[bytes]) -> Documents:
    envelope = b'{"environmentId":"%b","runId":"%b","leaseNumber":%d,"task":' % (
        environment_id.encode(),
        run_id.encode(),
        lease_number,
    )
    return tuple(b"%b%b}" % (envelope, record) for record in records)


def _records(raw: bytes) -> tuple[int, list[bytes]]:
    """The same of any body."""
    document = decode_object(raw)
    body = check_body(StoreTasksBody, document)
    written = split_array(split_object(document)["tasks"])
    records = [
        engine_text(record, text, verbatim=_RECORD_OWN).encode()
        for record, text in zip(body.tasks, written, strict=True)
    ]
    return body.lease_number, records


async def _read_cached_tasks(request: Request, cursor: str) -> bytes:
    run_id = path_uuid(request, "runId", what="run")
    async with services_of(request).connection() as conn:
        return await tasks.get_cached_tasks(conn, caller_of(request).environment_id, run_id, cursor)


def _sent_cursor(request: Request) -> str | None:
    sent = request.headers.get(headers.CACHED_TASKS_CURSOR)
    try:
        return str(UUID(sent)) if sent else None  # the v2 SDK has an empty header when there is none
    except ValueError as error:
        raise ApiError(
            400, "INVALID_HEADER", f"{headers.CACHED_TASKS_CURSOR} must be a cursor of this run, or empty"
        ) from error


def _with_force_yield(services: Services, task: bytes) -> bytes:
    """The task; from a server that is to stop with the wish that the execution ends and goes on elsewhere."""
    return task.rstrip()[:-1] + b',"forceYield":true}' if services.stopping.is_set() else task


def _envelope(request: Request, **more: str) -> dict[str, str]:
    """The members of a call that say where it belongs, as JSON texts."""
    run_id = path_uuid(request, "runId", what="run")
    return {"environmentId": f'"{caller_of(request).environment_id}"', "runId": f'"{run_id}"', **more}


def _finish(request: Request, status: str, members: dict[str, str]) -> bytes:
    task_id = path_uuid(request, "taskId", what="task")
    envelope = _envelope(request, taskId=f'"{task_id}"', status=f'"{status}"')
    return join_object({**members, **envelope}).encode()


def _members(text: str) -> dict[str, str]:
    return {name: member.text for name, member in split_object(decode_json(text)).items()}


def _serialized_output(output: Any) -> str:
    if not isinstance(output, str):
        raise ApiError(
            400,
            "INVALID_BODY",
            "invalid request body: output must be a string that holds JSON because of the header "
            f"{headers.SDK_PROTOCOL_VERSION}: {headers.SERIALIZED_OUTPUT_VERSION}; without it send JSON",
        )
    try:
        return decode_json(escape_surrogates(output)).text
    except MalformedJson as error:
        raise ApiError(
            400, "INVALID_BODY", f"invalid request body: output must hold JSON: {error}"
        ) from error


_PREFER = {"prefer": "`return=minimal`: null for a task that was new and has ended as the body says."}

operations = [
    Operation(
        "PUT", "/api/v1/runs/{runId}/tasks", store_tasks,
        body=StoreTasksBody, answer=StoreTasksAnswer, errors=(404, 409), headers=_PREFER,
    ),
    Operation(
        "PUT", "/api/v1/tasks", store_tasks_of_runs,
        body=StoreTasksLine, answer=TypeAdapter(StoreTasksAnswer | RefusedLine), is_lines=True,
        headers=_PREFER,
    ),
    Operation(
        "POST", "/api/v1/runs/{runId}/tasks", run_task,
        body=RunTaskBody, answer=TypeAdapter(RunTaskAnswer | ServerTask), errors=(404, 409),
        headers={
            headers.SDK_PROTOCOL_VERSION: "`2023-09-29`: the task inside `task`.",
            headers.CACHED_TASKS_CURSOR: "`cachedTaskCursor` of EXECUTE_JOB, or `cursor` of the page before.",
        },
    ),
    Operation(
        "POST", "/api/v1/runs/{runId}/tasks/{taskId}/complete", complete_task,
        body=CompleteTaskBody, answer=ServerTask, errors=(404, 409),
        headers={headers.SDK_PROTOCOL_VERSION: "`2023-11-01`: `output` is JSON in a string."},
    ),
    Operation(
        "POST", "/api/v1/runs/{runId}/tasks/{taskId}/fail", fail_task,
        body=FailTaskBody, answer=ServerTask, errors=(404, 409),
    ),
    Operation(
        "GET", "/api/v1/runs/{runId}/tasks/cached", get_cached_tasks,
        query=CachedTasksQuery, answer=CachedTasksPage, errors=(404,),
    ),
]  # fmt: skip
