"""Following a run from a browser: tokens for one run, and a stream of how it stands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from perdure_engine import run_tokens
from perdure_engine.runs import RunLook
from perdure_server.auth import caller_of
from perdure_server.body import check_body, read_json_object
from perdure_server.errors import ApiError
from perdure_server.event_stream import event_stream, write_event
from perdure_server.messages.runs import CreateRunTokenBody, FollowedRun, RunToken
from perdure_server.params import path_uuid
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of

LAST_EVENT_ID = "last-event-id"


async def create_run_token(request: Request) -> Response:
    """Make a token by which a browser may read this run.

    Whoever has it sees what a public key shows of the run, and nothing else. It is shown once.
    """
    services = services_of(request)
    run_id = path_uuid(request, "runId", what="run")
    document = await read_json_object(request, limit=services.settings.json_body_limit)
    body = check_body(CreateRunTokenBody, document)
    async with services.connection() as conn:
        token = await run_tokens.create_run_token(
            conn, caller_of(request).environment_id, run_id, timedelta(seconds=body.lifetime_s)
        )
    return json_response(token)


async def stream_run(request: Request) -> Response:
    """Follow a run: server-sent events of how it stands, at first and after each change.

    Each is called `run`, but for the last one: `end` has the run's status as its data, and the stream ends.
    Before that it may end at any time, and whoever wants to go on comes again, as an `EventSource` does.
    """
    run_id = path_uuid(request, "runId", what="run")
    looks = services_of(request).run_watch.follow(caller_of(request).environment_id, run_id)
    first = await anext(looks, None)
    if first is None:
        raise ApiError(404, "JQ001", f"there is no run '{run_id}' in this environment")
    known = request.headers.get(LAST_EVENT_ID)
    if first.has_ended and first.digest == known:
        await looks.aclose()
        return Response(status_code=204)  # the one answer that an EventSource takes for an end
    return event_stream(request, _events(first, looks, known))


async def _events(
    first: RunLook, looks: AsyncGenerator[RunLook, None], known: str | None
) -> AsyncGenerator[bytes, None]:
    async with aclosing(looks):
        look: RunLook | None = first
        while look is not None:
            if look.digest != known:
                yield write_event(look.state.decode(), name="run", event_id=look.digest)
            last, look = look, await anext(looks, None)
    yield write_event(last.status, name="end")


operations = [
    Operation(
        "POST", "/api/v1/runs/{runId}/token", create_run_token,
        body=CreateRunTokenBody, answer=RunToken, errors=(404,),
    ),
    Operation(
        "GET", "/api/v2/runs/{runId}/stream", stream_run,
        access=Access.RUN, answer=FollowedRun, is_stream=True, errors=(404,),
        headers={LAST_EVENT_ID: "The id of the last event that came: a run that is still so is not sent."},
    ),
]  # fmt: skip
