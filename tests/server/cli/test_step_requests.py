"""Steps over HTTP by the shortest way: what our SDK sends takes it, and every answer is as the API's."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from perdure.client import ApiClient
from perdure.settings import Settings as SdkSettings
from perdure.transport import ApiError
from perdure.wire.http import HttpClient, HttpResponse
from perdure.wire.tasks import TaskRecord
from perdure_server import steps
from perdure_server.app import ServerApp, create_app
from perdure_server.cli.http_protocol import HttpProtocol
from perdure_server.cli.step_requests import StepRequests
from perdure_server.rate_limit import RateLimit
from perdure_server.settings import Settings
from tests.support.builders import Builders, Claim, Endpoint
from tests.support.http_server import serve


class Platform:
    """A server whose API notes what it is asked for, an app of it, and a run of that."""

    def __init__(self, db_url: str, builders: Builders, **settings: Any) -> None:
        self.app = create_app(Settings(db_url, **settings))
        self.reached: list[str] = []
        self.url = ""
        self.endpoint: Endpoint = builders.endpoint()
        builders.run(self.endpoint)
        (self.claim,) = builders.claims()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.reached.append(f"{scope['method']} {scope['path']}")
        await self.app(scope, receive, send)


@contextmanager
def served(platform: Platform) -> Iterator[Platform]:
    with serve(platform, http=partial(HttpProtocol, shortcut=StepRequests(platform.app))) as platform.url:
        yield platform


@pytest.fixture
def platform(db_url: str, builders: Builders) -> Iterator[Platform]:
    with served(Platform(db_url, builders)) as platform:
        yield platform


def body_of(claim: Claim, key: str, **changes: Any) -> bytes:
    """As the SDK writes a step that is done."""
    record = {
        "idempotencyKey": key * 64,
        "name": "step",
        "noop": False,
        "displayKey": "shown",
        "status": "COMPLETED",
        "output": {"n": 1},
        "startedAt": "2026-01-01T00:00:00.5Z",
        **changes,
    }
    return b'{"leaseNumber":%d,"tasks":[%b]}' % (
        claim.lease_number,
        TaskRecord.model_validate(record).to_wire_bytes(),
    )


async def store(platform: Platform, key: str, api_key: str | None = None, **changes: Any) -> Any:
    """What the SDK is answered."""
    settings = SdkSettings(platform.url, api_key or platform.endpoint.environment.key)
    http = HttpClient()
    try:
        answer = await ApiClient(settings, http, patience_s=5).store_tasks(
            platform.claim.run_id, body_of(platform.claim, key, **changes), timeout_s=10
        )
    finally:
        await http.close()
    return answer.tasks


async def put(platform: Platform, body: bytes, **changes: str) -> HttpResponse:
    """The same with other headers."""
    headers = {
        "authorization": f"Bearer {platform.endpoint.environment.key}",
        "perdure-sdk-version": "1",
        "user-agent": "test",
        "accept": "application/json",
        "content-type": "application/json",
        "prefer": "return=minimal",
        **changes,
    }
    http = HttpClient()
    url = f"{platform.url}/api/v1/runs/{platform.claim.run_id}/tasks"
    try:
        return await http.request("PUT", url, headers, body, timeout_s=10, max_response_bytes=10_000)
    finally:
        await http.close()


async def test_a_step_of_our_sdk_does_not_get_to_the_api(
    platform: Platform, builders: Builders, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"PUT /api/v1/runs/{platform.claim.run_id}/tasks"
    assert await store(platform, "a") == [None]
    assert platform.reached == [path]  # its key was not known yet
    with caplog.at_level(logging.INFO, "perdure.server.access"):
        assert await store(platform, "b") == [None]
    assert platform.reached == [path]
    stored = builders.db.rows("select output, status, display_key from perdure.tasks order by id")
    assert [tuple(row) for row in stored] == [({"n": 1}, "COMPLETED", "shown")] * 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"method=PUT path={path[4:]} status=200 ms=")


async def test_a_step_that_was_stored_before_is_told(platform: Platform) -> None:
    await store(platform, "a")
    (task,) = await store(platform, "a", output=2)
    assert task.output == {"n": 1}


async def test_steps_that_come_in_the_same_moment_are_all_stored(
    platform: Platform, builders: Builders
) -> None:
    await store(platform, "a")
    keys = "bbccddeeff00112233"
    answers = await asyncio.gather(*(put(platform, body_of(platform.claim, key)) for key in keys))
    assert {answer.status for answer in answers} == {200}
    stored = builders.db.rows("select left(idempotency_key, 1) as key from perdure.tasks order by 1")
    assert "".join(row.key for row in stored) == "0123abcdef"


@pytest.mark.parametrize("knows_key", [True, False])
async def test_what_may_not_be_stored_is_refused_as_ever(
    platform: Platform, builders: Builders, knows_key: bool
) -> None:
    if knows_key:
        await store(platform, "a")
    public_key = builders.db.call("create_api_key", platform.endpoint.environment.id, "PUBLIC")
    foreign_key = builders.environment().key
    refusals = {public_key: "PUBLIC_KEY_REFUSED", foreign_key: "JQ001", "tr_dev_unknown": "KEY_UNKNOWN"}
    for key, code in refusals.items():
        for _ in range(2):
            refused = await put(platform, body_of(platform.claim, "b"), authorization=f"Bearer {key}")
            assert json.loads(refused.body)["code"] == code
    platform.claim.reply("SUCCESS")
    with pytest.raises(ApiError, match="already ended"):
        await store(platform, "b")
    assert builders.db.value("select count(*) from perdure.tasks") == knows_key


async def test_a_mistake_of_ours_on_the_way_is_no_end_of_the_connection(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    await store(platform, "a")
    monkeypatch.setattr(steps, "calls_of", fail)
    assert await store(platform, "b") == [None]
    assert len(platform.reached) == 2


async def test_steps_count_for_the_rate_limit(db_url: str, builders: Builders) -> None:
    with served(
        Platform(db_url, builders, rate_limit=RateLimit(burst=2, refill=1, period_s=3600))
    ) as platform:
        statuses = [(await put(platform, body_of(platform.claim, key))).status for key in "abc"]
    assert statuses == [200, 200, 429]


async def test_a_step_that_is_too_large_is_refused(db_url: str, builders: Builders) -> None:
    with served(Platform(db_url, builders, json_body_limit=1000)) as platform:
        await store(platform, "a")
        refused = await put(platform, body_of(platform.claim, "b", output="x" * 1000))
    assert (refused.status, json.loads(refused.body)["code"]) == (413, "BODY_TOO_LARGE")


async def test_the_answer_is_the_apis(platform: Platform) -> None:
    await store(platform, "a")
    reached = len(platform.reached)
    short = await put(platform, body_of(platform.claim, "b"))
    assert len(platform.reached) == reached
    general = await put(platform, body_of(platform.claim, "c"), accept="*/*")
    assert len(platform.reached) == reached + 1
    assert short.status == general.status == 200
    assert short.body == general.body == b'{"tasks":[null]}'
    assert [*short.headers] == [*general.headers]
    assert short.headers["x-request-id"] != general.headers["x-request-id"]
    assert len(short.headers["x-request-id"]) == 32
    for name in ("content-type", "content-length"):
        assert short.headers[name] == general.headers[name]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"PUT", b"POST"),
        (b"1.1", b"1.0"),
        (b"host", b"Host"),
        (b"return=minimal", b"return=representation"),
        (b"prefer:", b"expect: 100-continue\r\nprefer:"),
        (b"prefer:", b"transfer-encoding: chunked\r\nprefer:"),
        (b"prefer:", b"connection: close\r\nprefer:"),
        (b"prefer:", b"x-request-id: mine\r\nprefer:"),
        (b"content-length: 2\r", b"content-length: 1\r"),
        (b"content-length: 2\r", b"content-length: 3\r"),
        (b"content-length: 2\r", b"content-length: 02\r"),
        (b"content-length: 2\r\n", b"content-length: 2\n"),
        (b"/tasks", b"/tasks/"),
        (b"/tasks", b"/tasks?a=1"),
    ],
)
def test_a_request_in_another_form_is_the_apis(part: bytes, other: bytes) -> None:
    request = (
        b"PUT /api/v1/runs/01900000-0000-7000-8000-000000000000/tasks HTTP/1.1\r\nhost: x:80\r\n"
        b"authorization: Bearer tr_dev_a\r\nperdure-sdk-version: 1\r\nuser-agent: perdure-python/1\r\n"
        b"accept: application/json\r\ncontent-type: application/json\r\nprefer: return=minimal\r\n"
        b"content-length: 2\r\n\r\n{}"
    )
    asked: list[str] = []

    class App(ServerApp):
        @property
        def services(self) -> Any:
            """What every request that is taken asks for."""
            asked.append("services")
            raise LookupError

    requests = StepRequests(App())
    with pytest.raises(LookupError):
        requests(request, lambda _: None)
    assert asked == ["services"]
    assert not requests(request.replace(part, other), lambda _: None)
    assert not requests(request + b"\r\n", lambda _: None)
