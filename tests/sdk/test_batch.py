"""EXECUTE_JOBS: several executions in one request, each with an answer of its own as soon as it ends."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from perdure import IO, Perdure, event_trigger
from perdure.errors import ConfigurationError
from perdure.wire.http import HttpClient, HttpResponse
from perdure.wire.signing import derive_signing_secret
from tests.sdk.fake_platform import FakePlatform, execute_request, post
from tests.support.http_server import serve
from tests.support.signed_requests import SignedRequest, signed
from tests.support.waiting import eventually_async

Line = tuple[dict[str, Any], dict[str, Any]]


class Doorman:
    """Lets jobs end one by one, and knows which have begun, ended and were cancelled."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self._open: set[str] = set()

    def let_out(self, *names: str) -> None:
        self._open.update(names)

    async def pass_by(self, name: str) -> None:
        self.begun.append(name)
        try:
            await eventually_async(lambda: name in self._open, what=f"the door for {name}")
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        self.ended.append(name)


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


@pytest.fixture
def job_app(app: Perdure, doorman: Doorman) -> Perdure:
    @app.job(id="greet", version="1.0.0", on=event_trigger("test.event"))
    async def greet(payload: Any, io: IO) -> str:
        return f"Hello {payload['name']}"

    @app.job(id="guarded", version="1.0.0", on=event_trigger("test.event"))
    async def guarded(payload: Any, io: IO) -> str:
        await doorman.pass_by(payload["name"])
        return str(payload["name"])

    @app.job(id="busy", version="1.0.0", on=event_trigger("test.event"))
    async def busy(payload: Any, io: IO) -> None:
        time.sleep(0.02)  # noqa: ASYNC251  # the others wait for it

    @app.job(id="failing", version="1.0.0", on=event_trigger("test.event"))
    async def failing(payload: Any, io: IO) -> None:
        raise ZeroDivisionError("no")

    @app.job(id="waiting", version="1.0.0", on=event_trigger("test.event"))
    async def waiting(payload: Any, io: IO) -> None:
        await io.wait("a day", 86_400)

    @app.on_failure
    def noted(_: Any) -> None:
        """So the platform is asked for notifications."""

    return app


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def lines_of(platform: FakePlatform, *jobs: tuple[str, str]) -> list[bytes]:
    """A body of EXECUTE_JOB for each job and name."""
    runs = [platform.start(job_id, {"name": name}) for job_id, name in jobs]
    return [json.dumps(platform.body(run)).encode() for run in runs]


def batch_of(lines: Sequence[bytes], **options: Any) -> SignedRequest:
    return signed("EXECUTE_JOBS", b"\n".join(lines) + b"\n", **options)


def read(body: bytes) -> list[Line]:
    """Heads with their answers, in the order in which they came."""
    read = [json.loads(line) for line in body.splitlines()]
    return list(zip(read[::2], read[1::2], strict=True))


async def send(client: HttpClient, url: str, request: SignedRequest, **options: Any) -> HttpResponse:
    limits: dict[str, Any] = {"timeout_s": 30, "max_response_bytes": 100_000}
    return await client.request("POST", url, request.headers, request.body, **limits, **options)


async def test_each_execution_has_its_own_answer(job_app: Perdure, platform: FakePlatform) -> None:
    lines = lines_of(platform, ("greet", "Ann"), ("failing", "Bob"), ("waiting", "Cid"), ("unknown", "Dan"))
    lines.insert(1, b'{"event": 5}')
    answer = await post(job_app, batch_of(lines))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers
    found = {head["index"]: (head, body) for head, body in read(answer.content)}
    assert {index: head["status"] for index, (head, _) in found.items()} == {
        0: 200,
        1: 400,
        2: 200,
        3: 200,
        4: 404,
    }
    bodies = {index: body for index, (_, body) in found.items()}
    assert bodies[0] == {"status": "SUCCESS", "output": "Hello Ann"}
    assert bodies[1]["message"].startswith("Invalid request: ExecuteJob: event: ")
    assert (bodies[2]["status"], bodies[2]["error"]["message"]) == ("ERROR", "no")
    assert (bodies[3]["status"], bodies[3]["task"]["displayKey"]) == ("RESUME_WITH_TASK", "a day")
    assert bodies[4]["message"].startswith("Job not found: 'unknown'")
    assert all(0 <= head["ms"] < 10_000 for head, _ in found.values())


async def test_what_an_execution_took_is_without_its_wait_for_the_others(
    job_app: Perdure, platform: FakePlatform
) -> None:
    answer = await post(job_app, batch_of(lines_of(platform, *[("busy", "Ann")] * 10)))
    heads = [head for head, _ in read(answer.content)]
    assert all(head["took"] <= head["ms"] for head in heads)
    assert heads[-1]["ms"] > 3 * min(head["took"] for head in heads)
    single = await post(job_app, execute_request(platform.body(platform.start("busy", {}))))
    assert int(single.headers["perdure-took"]) >= 20


async def test_the_headers_of_a_single_answer_come_along(job_app: Perdure, platform: FakePlatform) -> None:
    (line,) = lines_of(platform, ("greet", "Ann"))
    single = await post(job_app, execute_request(json.loads(line)))
    ((head, body),) = read((await post(job_app, batch_of([line]))).content)
    assert head["headers"] == {"x-trigger-run-metadata": single.headers["x-trigger-run-metadata"]}
    assert "failedSubscription" in head["headers"]["x-trigger-run-metadata"]
    assert body == single.json()


async def test_answers_come_as_executions_end(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman, client: HttpClient
) -> None:
    names = ["Ann", "Bob", "Cid", "Dan"]
    request = batch_of(lines_of(platform, *(("guarded", name) for name in names)))
    body = bytearray()
    with serve(job_app.asgi()) as url:
        sending = asyncio.create_task(send(client, url, request, on_piece=body.extend))
        for count, name in enumerate(("Cid", "Ann", "Dan"), start=1):
            doorman.let_out(name)
            await eventually_async(lambda: body.count(b"\n") == 2 * count, what=f"the answer of {name}")  # noqa: B023
        assert not sending.done()
        doorman.let_out("Bob")
        assert (await sending).status == 200
    assert doorman.begun == names, "all begin at once, in order"
    assert [(head["index"], answer["output"]) for head, answer in read(bytes(body))] == [
        (2, "Cid"),
        (0, "Ann"),
        (3, "Dan"),
        (1, "Bob"),
    ]


async def test_what_ends_together_is_sent_together(job_app: Perdure, platform: FakePlatform) -> None:
    messages = await call_asgi(job_app, batch_of(lines_of(platform, *[("greet", "Ann")] * 20)))
    assert len(messages) <= 4, "the head of the answer, and a few pieces"
    body = b"".join(message.get("body", b"") for message in messages)
    assert len(read(body)) == 20
    assert [message.get("more_body") for message in messages[-1:]] == [False]


async def test_line_breaks_between_tokens_of_a_single_request_stay_possible(
    job_app: Perdure, platform: FakePlatform
) -> None:
    (line,) = lines_of(platform, ("greet", "Ann"))
    spread = signed("EXECUTE_JOB", json.dumps(json.loads(line), indent=2).encode())
    assert (await post(job_app, spread)).json()["output"] == "Hello Ann"


async def test_a_wrong_signature_executes_nothing(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman
) -> None:
    lines = lines_of(platform, ("guarded", "Ann"), ("guarded", "Bob"))
    doorman.let_out("Ann", "Bob")
    stranger = batch_of(lines, secrets=[derive_signing_secret("tr_dev_another")])
    changed = batch_of(lines)
    for_one = signed("EXECUTE_JOB", b"\n".join(lines))
    refused = [
        stranger,
        SignedRequest(changed.headers, changed.body.replace(b"Ann", b"Eve")),
        SignedRequest({**for_one.headers, "x-trigger-action": "EXECUTE_JOBS"}, for_one.body),
    ]
    for request in refused:
        assert (await post(job_app, request)).status_code == 401
    good = batch_of(lines)
    assert (await post(job_app, good)).status_code == 200
    assert (await post(job_app, good)).status_code == 401, "a replay"
    assert doorman.begun == ["Ann", "Bob"]


async def test_the_app_says_how_many_it_takes(job_app: Perdure, platform: FakePlatform) -> None:
    (line,) = lines_of(platform, ("greet", "Ann"))
    single = execute_request(json.loads(line))
    assert (await post(job_app, single)).headers["perdure-batch"] == "20"
    assert "perdure-batch" not in (await post(job_app, signed("VALIDATE"))).headers


async def test_more_than_the_app_takes_are_refused_as_a_whole(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman
) -> None:
    job_app.max_batch = 2
    lines = lines_of(platform, *[("guarded", "Ann")] * 3)
    answer = await post(job_app, batch_of(lines))
    assert answer.status_code == 400
    assert "At most 2 executions" in answer.json()["message"]
    assert doorman.begun == []


async def test_an_app_that_wants_no_batches_says_nothing_and_takes_none(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman
) -> None:
    job_app.max_batch = 1
    lines = lines_of(platform, ("guarded", "Ann"))
    assert (await post(job_app, batch_of(lines))).status_code == 405
    assert doorman.begun == []
    (line,) = lines_of(platform, ("greet", "Ann"))
    assert "perdure-batch" not in (await post(job_app, execute_request(json.loads(line)))).headers


@pytest.mark.parametrize("number", [0, -1, 101])
def test_the_setting_is_checked(number: int) -> None:
    with pytest.raises(ConfigurationError, match=f"max_batch must be in 1..100, not {number}"):
        Perdure("acme", max_batch=number)


@pytest.mark.parametrize("host", ["wsgi", "lambda"])
async def test_hosts_that_cannot_stream_take_no_batches(
    job_app: Perdure, platform: FakePlatform, host: str
) -> None:
    call = {"wsgi": call_wsgi, "lambda": call_lambda}[host]
    (line,) = lines_of(platform, ("greet", "Ann"))
    status, headers, body = await asyncio.to_thread(call, job_app, execute_request(json.loads(line)))
    assert (status, json.loads(body)["output"]) == (200, "Hello Ann")
    assert "perdure-batch" not in headers
    status, _, _ = await asyncio.to_thread(call, job_app, batch_of([line]))
    assert status == 405


async def test_executions_go_on_when_nobody_listens_any_more(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman, client: HttpClient
) -> None:
    request = batch_of(lines_of(platform, ("guarded", "Ann"), ("guarded", "Bob"), ("guarded", "Cid")))
    with serve(job_app.asgi()) as url:
        sending = asyncio.create_task(send(client, url, request))
        await eventually_async(lambda: len(doorman.begun) == 3)
        sending.cancel()
        await asyncio.wait([sending])
        for name in ("Bob", "Ann", "Cid"):
            doorman.let_out(name)
            await eventually_async(lambda: doorman.ended[-1:] == [name], what=f"the end of {name}")  # noqa: B023
    assert doorman.cancelled == []


async def test_a_server_that_raises_for_a_client_that_is_gone_ends_no_execution(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman
) -> None:
    doorman.let_out("Ann")
    request = batch_of(lines_of(platform, ("guarded", "Ann"), ("guarded", "Bob")))
    calling = asyncio.create_task(call_asgi(job_app, request, gone_after=1))
    await eventually_async(lambda: doorman.ended == ["Ann"])
    doorman.let_out("Bob")
    await calling
    assert doorman.ended == ["Ann", "Bob"]


async def test_a_server_that_stops_cancels_what_is_under_way(
    job_app: Perdure, platform: FakePlatform, doorman: Doorman
) -> None:
    doorman.let_out("Ann")
    request = batch_of(lines_of(platform, ("guarded", "Ann"), ("guarded", "Bob"), ("guarded", "Cid")))
    calling = asyncio.create_task(call_asgi(job_app, request))
    await eventually_async(lambda: doorman.ended == ["Ann"])
    calling.cancel()
    await asyncio.wait([calling])
    assert calling.cancelled()
    await eventually_async(lambda: sorted(doorman.cancelled) == ["Bob", "Cid"])


async def call_asgi(app: Perdure, request: SignedRequest, *, gone_after: int = 100) -> list[dict[str, Any]]:
    """What the app sends, until the client is gone and the server says so."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body}

    async def send(message: Any) -> None:
        if len(sent) >= gone_after:
            raise OSError("the client has gone")
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    await app.asgi()({"type": "http", "method": "POST", "headers": headers}, receive, send)
    return sent


def call_wsgi(app: Perdure, request: SignedRequest) -> tuple[int, dict[str, str], bytes]:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(request.body)), **headers}
    started: list[Any] = []
    body = app.wsgi()(
        {**environ, "wsgi.input": io.BytesIO(request.body)}, lambda *given: started.append(given)
    )
    ((status, answered),) = started
    return int(status[:3]), dict(answered), b"".join(body)


def call_lambda(app: Perdure, request: SignedRequest) -> tuple[int, dict[str, str], bytes]:
    event = {
        "headers": request.headers,
        "requestContext": {"http": {"method": "POST"}},
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }
    result = app.lambda_handler()(event, None)
    return result["statusCode"], result["headers"], result["body"].encode()
