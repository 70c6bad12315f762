"""Requests that the platform sends for a run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, Perdure, StoredResultMismatch, SyncIO, TaskFailed, event_trigger
from perdure.fetch import FetchBackoff, FetchHeaders, FetchResponse, Redacted
from perdure.wire.runs import Run, RunStatus
from tests.sdk.fake_platform import FakePlatform
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.fix_database import TestServer
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.http_server import serve
from tests.support.waiting import eventually

AT_ONCE = FetchBackoff(limit=3, min_delay_s=0, max_delay_s=0)


class Thing(BaseModel):
    """What the service answers."""

    n: int


class Caller:
    """An app whose job does what the test says, on a real platform, and a service that answers by script."""

    def __init__(self, platform: RealPlatform, service_url: str) -> None:
        self.platform = platform
        self.url = f"{service_url}/things"
        self.service = ScriptedEndpoint()
        self.act: Callable[[IO], Awaitable[Any]]
        self.plainly: Callable[[SyncIO], Any]
        self.results: list[Any] = []
        self.app = app = platform.new_app("caller")

        @app.job(id="call", version="1.0.0", on=event_trigger("never"))
        async def call(payload: dict[str, Any], io: IO) -> Any:
            self.results.append(await self.act(io))

        @app.job(id="plain", version="1.0.0", on=event_trigger("never"))
        def plain(payload: dict[str, Any], io: SyncIO) -> Any:
            self.results.append(self.plainly(io))

        platform.register(app)

    async def run(self, act: Callable[[IO], Awaitable[Any]]) -> Run:
        """Let the job do this; returns its run when that has ended."""
        self.act = act
        run = await self.app.invoke_job("call", {})
        return await self.app.wait_for_run(run.id, timeout_s=15)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The service."""
        await self.service(scope, receive, send)

    @property
    def headers(self) -> list[dict[str, str]]:
        """Of the requests that the service got."""
        return [request.headers for request in self.service.received]


@pytest.fixture(scope="module")
def module_caller(postgres_server: TestServer, template_database: str) -> Iterator[Caller]:
    callers: list[Caller] = []

    async def service(scope: Any, receive: Any, send: Any) -> None:
        await callers[0](scope, receive, send)

    with real_platform(postgres_server, template_database) as platform, serve(service) as url:
        callers.append(Caller(platform, url))
        yield callers[0]


@pytest.fixture
async def caller(module_caller: Caller) -> AsyncIterator[Caller]:
    module_caller.service = ScriptedEndpoint()
    module_caller.results = []
    yield module_caller
    await module_caller.app.close()


async def test_the_answer_is_read_as_the_given_type(caller: Caller) -> None:
    caller.service.default("", Answer.json({"n": 1}))
    run = await caller.run(lambda io: io.background_fetch("get", caller.url, Thing))
    assert run.status is RunStatus.SUCCESS, run.output
    assert caller.results == [Thing(n=1)]
    assert [(task.name, task.display_key) for task in run.tasks] == [("fetch 127.0.0.1/things", "get")]


async def test_what_is_sent_and_what_comes_back(caller: Caller) -> None:
    caller.service.default("", Answer.json({"n": 2}, status=201, x_kind="thing"))

    async def post(io: IO) -> FetchResponse[Thing]:
        return await io.background_fetch_response(
            "post",
            caller.url,
            Thing,
            method="POST",
            headers={"authorization": Redacted("s3cret", prefix="Bearer "), "x-plain": "seen"},
            json=Thing(n=1),
            redact=["data.n"],
        )

    run = await caller.run(post)
    (response,) = caller.results
    assert (response.status, response.data, response.headers["x-kind"]) == (201, Thing(n=2), "thing")
    (received,) = caller.service.received
    assert (received.method, received.json) == ("POST", {"n": 1})
    assert received.headers["authorization"] == "Bearer s3cret"
    assert received.headers["content-type"] == "application/json"
    shown = await caller.app.get_run(run.id, task_details=True)
    assert shown.tasks[0].params["requestInit"]["headers"] == {  # type: ignore[index, call-overload]
        "authorization": "[REDACTED]",
        "x-plain": "seen",
        "content-type": "application/json",
    }
    assert shown.tasks[0].output["data"] == {"n": "[REDACTED]"}  # type: ignore[index, call-overload]
    assert "s3cret" not in shown.to_wire_bytes().decode()


async def test_bad_answers_are_tried_again_by_their_status(caller: Caller) -> None:
    caller.service.then("", Answer(503), Answer.json({"slow": True}, status=429), Answer.json({"n": 3}))
    retry = {"429": FetchBackoff(min_delay_s=0, body_filter={"slow": [True]}), "5xx": AT_ONCE}
    await caller.run(lambda io: io.background_fetch("get", caller.url, Thing, retry=retry))
    assert caller.results == [Thing(n=3)]
    assert len(caller.service.received) == 3


async def test_a_header_says_when(caller: Caller) -> None:
    soon = caller.platform.clock.now().timestamp() + 0.1
    caller.service.then("", Answer.json({}, status=429, x_reset=str(soon)), Answer.json({"n": 4}))
    retry = {"429": FetchHeaders("x-reset")}
    await caller.run(lambda io: io.background_fetch("get", caller.url, Thing, retry=retry))
    assert caller.results == [Thing(n=4)]


async def test_no_good_answer_fails_the_task_with_what_it_said(caller: Caller) -> None:
    caller.service.default("", Answer.json({"message": "no such thing"}, status=404))

    async def fetch(io: IO) -> str:
        try:
            return str(await io.background_fetch("get", caller.url, Thing))
        except TaskFailed as failure:
            return f"{failure.key}: {failure.message}"

    await caller.run(fetch)
    assert caller.results == ["get: no such thing"]


async def test_a_slow_service_is_given_up(caller: Caller) -> None:
    caller.service.then("", Answer.hang(), Answer.json({"n": 5}))
    retry = {"timeout": AT_ONCE}
    await caller.run(
        lambda io: io.background_fetch("get", caller.url, Thing, retry=retry, timeout=timedelta(seconds=1))
    )
    assert caller.results == [Thing(n=5)]


async def test_an_answer_of_another_shape_is_an_error_with_the_place(caller: Caller) -> None:
    caller.service.default("", Answer.json({"n": "many"}))
    mismatches = []

    async def fetch(io: IO) -> None:
        try:
            await io.background_fetch("get", caller.url, Thing)
        except StoredResultMismatch as error:
            mismatches.append(str(error))

    await caller.run(fetch)
    assert "n:" in mismatches[0]


async def test_a_poll_ends_with_the_answer_that_is_wanted(caller: Caller) -> None:
    caller.service.then("", Answer.json({"state": "new"}), Answer.json({"state": "done", "n": 6}))
    caller.act = lambda io: io.background_poll("ready", caller.url, Thing, until_body={"state": ["done"]})
    run = await caller.app.invoke_job("call", {})
    message = "select message from perdure.deliveries where kind = 'FETCH' order by id desc limit 1"
    eventually(lambda: "does not match" in (caller.platform.db.value(message) or ""), what="the first answer")
    caller.platform.clock.advance(timedelta(seconds=10))
    ended = await caller.app.wait_for_run(run.id, timeout_s=15)
    assert ended.status is RunStatus.SUCCESS, ended.output
    assert caller.results == [Thing(n=6)]


async def test_several_go_side_by_side(caller: Caller) -> None:
    caller.service.default("", Answer.json({"n": 7}))

    async def both(io: IO) -> list[int]:
        found = await asyncio.gather(
            *(io.background_fetch(["get", index], caller.url, Thing) for index in range(3))
        )
        return [thing.n for thing in found]

    await caller.run(both)
    assert caller.results == [[7, 7, 7]]
    assert len(caller.service.received) == 3


async def test_a_plain_job_has_the_same_calls(caller: Caller) -> None:
    caller.service.default("", Answer.json({"n": 8}))

    def fetch(io: SyncIO) -> tuple[Thing, int]:
        thing = io.background_fetch("get", caller.url, Thing)
        return thing, io.background_fetch_response("again", caller.url).status

    caller.plainly = fetch
    run = await caller.app.invoke_job("plain", {})
    ended = await caller.app.wait_for_run(run.id, timeout_s=15)
    assert ended.status is RunStatus.SUCCESS, ended.output
    assert caller.results == [(Thing(n=8), 200)]


# What travels


async def test_the_reply_carries_the_request_and_no_call_is_made(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=event_trigger("x"))
    async def job(payload: dict[str, Any], io: IO) -> None:
        await io.background_poll(
            "ready",
            Redacted("https://api.test/things?token=s3cret"),
            until_status=[200, 201],
            until_headers={"x-state": ["done"]},
            interval=timedelta(seconds=30),
            timeout=timedelta(minutes=5),
            request_timeout=timedelta(seconds=2),
        )

    reply = await platform.execute(app, platform.start("job"))
    assert platform.calls == []
    assert reply["status"] == "RESUME_WITH_TASK"
    task = reply["task"]
    assert (task["name"], task["operation"], task["icon"]) == ("poll [REDACTED]", "fetch-poll", "clock-bolt")
    assert task["params"] == {
        "url": {
            "__redactedString": True,
            "strings": ["", ""],
            "interpolations": ["https://api.test/things?token=s3cret"],
        },
        "requestInit": {"method": "GET"},
        "responseFilter": {"status": [200, 201], "headers": {"x-state": ["done"]}},
        "interval": 30,
        "timeout": 300,
        "requestTimeout": {"durationInMs": 2000},
    }


URL = "https://api.test/things"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"url": "api.test/things"}, "must begin with http"),
        ({"json": {"n": 1}}, "a GET request has no body"),
        ({"method": "POST", "json": {}, "body": "{}"}, "either json or body"),
        ({"retry": {"5XY": AT_ONCE}}, "'5XY' is no pattern"),
        ({"retry": {"timeout": FetchHeaders("x-reset")}}, "'timeout' takes a FetchBackoff"),
        ({"timeout": timedelta(minutes=6)}, r"timeout must be 0:00:01 to 0:05:00"),
        ({"headers": {"x": 1}}, "header 'x' must be a text"),
    ],
)
async def test_a_request_that_can_never_be_sent_is_refused_in_the_line_that_asks_for_it(
    app: Perdure, platform: FakePlatform, options: dict[str, Any], text: str
) -> None:
    refusals: list[Exception] = []

    @app.job(id="job", version="1.0.0", on=event_trigger("x"))
    async def job(payload: dict[str, Any], io: IO) -> None:
        with pytest.raises((ValueError, TypeError), match=text) as caught:
            await io.background_fetch("get", **{"url": URL, **options})
        refusals.append(caught.value)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "SUCCESS", reply
    assert len(refusals) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: FetchBackoff(limit=0),
        lambda: FetchBackoff(min_delay_s=5, max_delay_s=1),
        lambda: FetchBackoff(body_filter={"slow": True}),  # type: ignore[dict-item]
        lambda: FetchHeaders("x-reset", limit=0),
    ],
)
def test_a_strategy_that_makes_no_sense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


def test_a_redacted_text_is_not_shown() -> None:
    assert "s3cret" not in repr(Redacted("s3cret", prefix="Bearer "))
