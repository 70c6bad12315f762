"""Dynamic schedules: attaching schedules to them at run time."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.manifest import RegisterSchedule, RegisterScheduleAnswer, UnregisterScheduleAnswer
from perdure_engine import schedules
from perdure_server.auth import caller_of
from perdure_server.body import check_body, engine_text, read_json_object
from perdure_server.params import path_text
from perdure_server.responses import json_response
from perdure_server.routing import Operation
from perdure_server.services import services_of


async def register_schedule(request: Request) -> Response:
    """Attach a schedule to a dynamic schedule: each tick starts all jobs that it has.

    Registering the same key again changes the schedule. With the same timing it goes on as it was.
    """
    services = services_of(request)
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = engine_text(check_body(RegisterSchedule, document), document, verbatim=("metadata",))
    async with services.connection() as conn:
        registered = await schedules.register_schedule(
            conn, caller_of(request).environment_id, path_text(request, "dynamicScheduleId"), body.encode()
        )
    return json_response(registered)


async def unregister_schedule(request: Request) -> Response:
    """End a schedule that was attached. One that has ended already is no error."""
    async with services_of(request).connection() as conn:
        ended = await schedules.unregister_schedule(
            conn,
            caller_of(request).environment_id,
            path_text(request, "dynamicScheduleId"),
            path_text(request, "key"),
        )
    return json_response(ended)


operations = [
    Operation(
        "POST", "/api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations", register_schedule,
        body=RegisterSchedule, answer=RegisterScheduleAnswer, errors=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations/{key}", unregister_schedule,
        answer=UnregisterScheduleAnswer, errors=(404,), raw_key=True,
    ),
]  # fmt: skip
