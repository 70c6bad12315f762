"""Every call of the client has a route at the server that answers what the client reads."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter

from perdure import ApiError
from perdure.client import ApiClient
from perdure.settings import Settings
from perdure.transport import ApiTransport
from perdure.wire.events import (
    EphemeralDispatcherBody,
    RawEvent,
    RunMetadataChange,
    SendEventBody,
    SendEventsBody,
)
from perdure.wire.http import HttpResponse
from perdure.wire.manifest import RegisterSchedule
from perdure.wire.runs import CreateConnectionBody, InvokeJobBody, StatusUpdate
from perdure.wire.sources import RegisterTrigger, UpdateSource, UpdateWebhook
from perdure_server.operations import OPERATIONS
from perdure_server.routing import Operation, build_resources
from tests.sdk.fake_platform import API_KEY

RESOURCES = build_resources(OPERATIONS)
EVENT = RawEvent(name="greet", id="e1")
BODIES: dict[type[Any], Any] = {
    SendEventBody: SendEventBody(event=EVENT),
    SendEventsBody: SendEventsBody(events=[EVENT]),
    EphemeralDispatcherBody: EphemeralDispatcherBody(url="https://x.test", name="greet"),
    InvokeJobBody: InvokeJobBody(),
    StatusUpdate: StatusUpdate(label="x"),
    RunMetadataChange: RunMetadataChange(add_tags=["x"]),
    RegisterSchedule: RegisterSchedule(id="k", type="interval", options={"seconds": 60}),  # type: ignore[arg-type]
    RegisterTrigger: RegisterTrigger(params={}),
    UpdateSource: UpdateSource(key="k/1", options={}),
    UpdateWebhook: UpdateWebhook(active=False),
    CreateConnectionBody: CreateConnectionBody(access_token="t", type="apiKey"),
    bytes: b'{"leaseNumber": 1, "tasks": []}',
    float: 1.0,
    Sequence[tuple[str, bytes]]: [("a/b", b'{"leaseNumber": 1, "tasks": []}')],
}
CALLS = [
    name
    for name, member in vars(ApiClient).items()
    if not name.startswith("_") and inspect.iscoroutinefunction(member)
]
READS_OTHERWISE = {
    "send_events": "a list",
    "store_tasks": "of each task what it needs",
    "store_tasks_of_runs": "the same of each line",
}


class Recorder:
    """A transport that refuses every call, and keeps which it was."""

    def __init__(self) -> None:
        self.sent: tuple[str, str, bytes | None] | None = None

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, **limits: Any
    ) -> HttpResponse:
        """Keep the call."""
        self.sent = method, url.removeprefix("http://api.test"), body
        return HttpResponse(400, {}, b'{"error": "kept"}')

    async def close(self) -> None:
        """Nothing to close."""


def find_operation(method: str, path: str) -> Operation:
    for resource in RESOURCES:
        if method in resource.operations and resource.match(path.partition("?")[0]) is not None:
            return resource.operations[method]
    raise AssertionError(f"the server has no route for {method} {path}")


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_has_a_route_that_answers_what_it_reads(name: str) -> None:
    http = Recorder()
    call = getattr(ApiClient(Settings("http://api.test", API_KEY), http, patience_s=0), name)
    hints = typing.get_type_hints(call)
    given = {
        parameter.name: BODIES.get(hints[parameter.name], "a/b")
        for parameter in inspect.signature(call).parameters.values()
        if parameter.default is inspect.Parameter.empty
    }
    with pytest.raises(ApiError, match="kept"):
        await call(**given)
    assert http.sent is not None
    method, path, body = http.sent
    operation = find_operation(method, path)
    if operation.body is not None and not isinstance(operation.body, TypeAdapter):
        operation.body.model_validate_json(body or b"{}")  # as the server reads an empty one
    if name not in READS_OTHERWISE:
        assert operation.answer is not None
        read = {one.__name__ for one in typing.get_args(hints["return"]) or (hints["return"],)}
        assert getattr(operation.answer, "__name__", None) in read


def test_the_transport_is_no_part_of_it() -> None:
    assert {name for name, _ in inspect.getmembers(ApiTransport, inspect.iscoroutinefunction)}.isdisjoint(
        CALLS
    )
