"""Callbacks: somebody outside ends a task that waits for that."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure_engine import tasks
from perdure_server.body import read_json
from perdure_server.params import path_text, path_uuid
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of


async def complete_callback(request: Request) -> Response:
    """End a task that waits for this call; the body, any JSON or nothing, becomes its output.

    No key: the URL holds a secret. 200 also when the task waits no longer.
    """
    services = services_of(request)
    task_id = path_uuid(request, "taskId", what="task")
    body = await read_json(request, limit=services.settings.json_body_limit)
    async with services.connection() as conn:
        answer = await tasks.complete_callback(
            conn, task_id, path_text(request, "secret"), None if body is None else body.text.encode()
        )
    return json_response(answer)


async def complete_run_callback(request: Request) -> Response:
    """End a task that waits for this call, by the path that names its run, too."""
    return await complete_callback(request)


operations = [
    Operation(
        "POST", path, handler,
        access=Access.OPEN, answer=TypeAdapter(dict[str, bool]), errors=(400, 404, 413, 503),
    )
    for path, handler in (
        ("/api/v1/tasks/{taskId}/callback/{secret}", complete_callback),
        ("/api/v1/runs/{runId}/tasks/{taskId}/callback/{secret}", complete_run_callback),
    )
]  # fmt: skip
