"""Events: sending, reading and taking them back."""

from __future__ import annotations

import re

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from perdure.wire.events import ApiEventLog, SendEventBody, SendEventOptions, SendEventsBody
from perdure.wire.runs import CancelRunsAnswer, EventDetails
from perdure_engine import events
from perdure_server.auth import caller_of
from perdure_server.body import check_body, decode_object, engine_text, is_json, read_body, read_own
from perdure_server.json_text import split_array, split_object
from perdure_server.params import is_minimal, path_text
from perdure_server.responses import json_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of
from perdure_server.version_1 import to_version_1

_USERS_OWN = ("payload", "context")
# An event as our SDKs write nearly all: without a context and options, its name in ASCII.
_ONE_EVENT = re.compile(
    rb'\{"event":(?P<event>\{"name":"[ !#-\[\]-~]+","payload":(?P<payload>.+),"context":\{\},'
    rb'"id":"[ !#-\[\]-~]{1,1000}"(?:,"source":"[ !#-\[\]-~]*")?\})\}',
    re.DOTALL,
)


async def send_event(request: Request) -> Response:
    """Send an event.

    The same ``id`` in the same environment is stored once: sent again it is answered as it is stored.
    """
    services = services_of(request)
    raw = await read_body(request, limit=services.settings.json_body_limit)
    event, options = _own_event(raw) or _event(raw)
    stored = await services.events.send(caller_of(request).environment_id, (event,), _options(options))
    return json_response(stored[0])


async def send_events(request: Request) -> Response:
    """Send several events, all or none of them.

    The answer has them in the order of the request, or nothing where they are not wanted back.
    """
    services = services_of(request)
    raw = await read_body(request, limit=services.settings.json_body_limit)
    sent, options = _own_events(raw) or _events(raw)
    stored = await services.events.send(
        caller_of(request).environment_id, tuple(sent), _options(options), minimal=is_minimal(request.headers)
    )
    return json_response(b"[" + b",".join(stored) + b"]")


async def get_event(request: Request) -> Response:
    """Show an event and the runs that it started."""
    return json_response(await _read_event(request))


async def get_event_v1(request: Request) -> Response:
    """Show an event and the runs that it started to clients of version 1.

    They know no EXECUTING, WAITING_TO_CONTINUE and WAITING_TO_EXECUTE: these read as STARTED.
    """
    return json_response(to_version_1(await _read_event(request)))


async def cancel_event(request: Request) -> Response:
    """Take back an event that was not delivered yet."""
    async with services_of(request).connection() as conn:
        event = await events.cancel_event(
            conn, caller_of(request).environment_id, path_text(request, "eventId")
        )
    return json_response(event)


async def cancel_event_runs(request: Request) -> Response:
    """Cancel every run of an event that is not finished."""
    async with services_of(request).connection() as conn:
        outcome = await events.cancel_event_runs(
            conn, caller_of(request).environment_id, path_text(request, "eventId")
        )
    return json_response(outcome)


def _own_event(raw: bytes) -> tuple[bytes, SendEventOptions | None] | None:
    """The event and the options of a body as our SDKs write it."""
    if (found := _ONE_EVENT.fullmatch(raw)) is not None and is_json(found["payload"]):
        return found["event"], None
    body = read_own(SendEventBody, raw)
    if body is None or body.to_wire_bytes() != raw:
        return None
    return body.event.to_wire_bytes(), body.options


def _event(raw: bytes) -> tuple[bytes, SendEventOptions | None]:
    """The same of any body."""
    document = decode_object(raw)
    body = check_body(SendEventBody, document)
    event = engine_text(body.event, split_object(document)["event"], verbatim=_USERS_OWN)
    return event.encode(), body.options


def _own_events(raw: bytes) -> tuple[list[bytes], SendEventOptions | None] | None:
    """The events and the options of a body as our SDKs write it."""
    body = read_own(SendEventsBody, raw)
    if body is None:
        return None
    sent = [event.to_wire_bytes() for event in body.events]
    options = b"" if body.options is None else b',"options":' + body.options.to_wire_bytes()
    return (sent, body.options) if b'{"events":[%b]%b}' % (b",".join(sent), options) == raw else None


def _events(raw: bytes) -> tuple[list[bytes], SendEventOptions | None]:
    """The same of any body."""
    document = decode_object(raw)
    body = check_body(SendEventsBody, document)
    written = split_array(split_object(document)["events"])
    sent = [
        engine_text(event, text, verbatim=_USERS_OWN).encode()
        for event, text in zip(body.events, written, strict=True)
    ]
    return sent, body.options


async def _read_event(request: Request) -> bytes:
    async with services_of(request).connection() as conn:
        return await events.get_event(conn, caller_of(request).environment_id, path_text(request, "eventId"))


def _options(options: SendEventOptions | None) -> bytes:
    return options.to_wire_bytes() if options is not None else b"{}"


_PREFER = {"prefer": "`return=minimal`: an empty list, whatever was sent."}

operations = [
    Operation("POST", "/api/v1/events", send_event, body=SendEventBody, answer=ApiEventLog),
    Operation(
        "POST", "/api/v1/events/bulk", send_events,
        body=SendEventsBody, answer=TypeAdapter(list[ApiEventLog]), headers=_PREFER,
    ),
    Operation(
        "GET", "/api/v2/events/{eventId}", get_event,
        access=Access.SECRET_OR_PUBLIC, answer=EventDetails, errors=(404,),
    ),
    Operation(
        "GET", "/api/v1/events/{eventId}", get_event_v1,
        access=Access.SECRET_OR_PUBLIC, answer=EventDetails, errors=(404,),
    ),
    Operation("POST", "/api/v1/events/{eventId}/cancel", cancel_event, answer=ApiEventLog, errors=(404, 409)),
    Operation(
        "POST", "/api/v1/events/{eventId}/cancel-runs", cancel_event_runs,
        answer=CancelRunsAnswer, errors=(404,),
    ),
]  # fmt: skip
