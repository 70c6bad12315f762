"""Sending executions together over real HTTP, to apps that behave, and that do not."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from perdure.wire.http import ConnectionFailed, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure.wire.signing import SignatureError, derive_signing_secret, verify
from perdure_dispatcher import batch as batch_module
from perdure_dispatcher import known_apps
from perdure_dispatcher.batch_answer import MalformedBatch
from perdure_dispatcher.batches import Batches
from perdure_dispatcher.clients import Clients
from perdure_engine.runs import ClaimedRun
from tests.support.http_server import reset_connection, serve
from tests.support.waiting import eventually_async

SECRETS = [derive_signing_secret("tr_prod_a"), derive_signing_secret("tr_prod_b")]
MOST_RESPONSE_BYTES = 2000


class Request:
    """A request that the app got, and how it is answered."""

    def __init__(self, scope: dict[str, Any], body: bytes, receive: Any, send: Any) -> None:
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.action = self.headers["x-trigger-action"]
        self.body = body
        self.lines = body.splitlines()
        self.scope = scope
        self.was_cut = False
        self.receive = receive
        self._send = send

    async def begin(self, status: int = 200, **headers: str) -> None:
        named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": named})

    async def say(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, *indexes: int, ms: int = 1, more: bool = True) -> None:
        """The answers of these executions, which echo their bodies."""
        for index in indexes:
            await self.say(lines(index, self.lines[index], ms=ms))
        if not more:
            await self.say(b"", more=False)

    async def wait_until_cut(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.was_cut = True


Script = Callable[[Request], Awaitable[None]]


def lines(index: int, body: bytes, *, ms: int = 1, **changes: Any) -> bytes:
    head = {"index": index, "status": 200, "ms": ms, "took": ms, **changes}
    head.setdefault("headers", {"x-trigger-run-metadata": "{}"})
    return json.dumps(head).encode() + b"\n" + body + b"\n"


class App:
    """Echoes single requests, and says that it takes batches; those it answers as ``script`` says."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.most = "20"
        self.script: Script = self.echo

    async def echo(self, request: Request) -> None:
        await request.begin()
        await request.answer(*range(len(request.lines)), more=False)

    def count(self, action: str) -> int:
        return sum(request.action == action for request in self.requests)

    def sizes(self) -> list[int]:
        """How many executions each request had so far; forgets them."""
        sizes = [len(request.lines) if request.action == "EXECUTE_JOBS" else 1 for request in self.requests]
        self.requests.clear()
        return sizes

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        request = Request(scope, body, receive, send)
        self.requests.append(request)
        if request.action == "EXECUTE_JOBS":
            await self.script(request)
        else:
            await request.begin(perdure_batch=self.most)
            await request.say(body, more=False)


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as quick: also the first answer of an app, when others keep the machine busy."""
    monkeypatch.setattr(known_apps, "_QUICK_MS", 5_000.0)


@pytest.fixture
def app() -> Any:
    app = App()
    with serve(app) as url:
        app.url = f"{url}/api/perdure"
        yield app


@pytest.fixture
async def batches() -> AsyncIterator[Batches]:
    async with sending() as batches:
        yield batches


@asynccontextmanager
async def sending() -> AsyncIterator[Batches]:
    clients = Clients()
    yield Batches(clients, max_response_bytes=MOST_RESPONSE_BYTES)
    await clients.close()


def claim(app: App, body: bytes = b"{}", **changes: Any) -> ClaimedRun:
    return ClaimedRun(
        **{
            "run_id": "run",
            "lease_number": 1,
            "endpoint_id": "endpoint",
            "url": app.url,
            "timeout_ms": 20_000,
            "signing_secrets": SECRETS,
            "sealed_api_key": None,
            "sealed_connections": None,
            "body": body,
            **changes,
        }
    )


def numbered(app: App, count: int, **changes: Any) -> list[ClaimedRun]:
    return [claim(app, b'{"n": %d}' % number, **changes) for number in range(count)]


async def send_all(batches: Batches, claims: list[ClaimedRun], **options: Any) -> list[Any]:
    """An answer or an exception for each, all sent in the same turn of the loop."""
    sends = (batches.send(one, one.body, options.get("api_key")) for one in claims)
    return await asyncio.gather(*sends, return_exceptions=True)


@pytest.fixture
async def known(app: App, batches: Batches) -> App:
    """The app, which has told the sender that it takes batches."""
    await send_all(batches, [claim(app)])
    app.requests.clear()
    return app


async def wait_until_cut(app: App) -> None:
    """Long before the time is over that the executions may take."""
    await eventually_async(lambda: app.requests[0].was_cut, timeout_s=10, what="the request cut")


def bodies(answers: list[Any]) -> list[Any]:
    return [answer.body if isinstance(answer, HttpResponse) else answer for answer in answers]


def kinds(answers: list[Any]) -> list[type]:
    return [type(answer) for answer in answers]


async def test_what_is_sent_together_goes_in_one_signed_request(known: App, batches: Batches) -> None:
    claims = [claim(known, b'{\n  "n": %d\n}' % number) for number in range(20)]
    answers = await send_all(batches, claims, api_key="tr_prod_a")
    (request,) = known.requests
    assert request.action == "EXECUTE_JOBS"
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.headers["x-trigger-api-key"] == "tr_prod_a"
    for secret in SECRETS:
        id = verify(secret, request.headers, request.body, now=time.time())
        assert id.startswith("EXECUTE_JOBS_")
    with pytest.raises(SignatureError):
        verify(SECRETS, request.headers, request.body + b" ", now=time.time())
    assert [json.loads(line) for line in request.body.splitlines()] == [{"n": n} for n in range(20)]
    assert [json.loads(answer.body) for answer in answers] == [{"n": n} for n in range(20)]
    assert {(answer.status, answer.headers["x-trigger-run-metadata"]) for answer in answers} == {(200, "{}")}


async def test_one_alone_goes_as_ever(known: App, batches: Batches) -> None:
    for _ in range(3):
        (answer,) = await send_all(batches, [claim(known, b'{"n": 7}')])
        assert answer.body == b'{"n": 7}'
    assert [request.action for request in known.requests] == ["EXECUTE_JOB"] * 3
    assert {request.headers["content-type"] for request in known.requests} == {"application/json"}


async def test_no_batch_before_the_app_has_said_that_it_takes_them(app: App, batches: Batches) -> None:
    assert kinds(await send_all(batches, numbered(app, 5))) == [HttpResponse] * 5
    assert app.sizes() == [1] * 5
    await send_all(batches, numbered(app, 5))
    assert app.sizes() == [5]


async def test_no_more_than_the_app_takes(app: App, batches: Batches) -> None:
    app.most = "2"
    await send_all(batches, [claim(app)])
    app.requests.clear()
    assert bodies(await send_all(batches, numbered(app, 5))) == [one.body for one in numbered(app, 5)]
    assert sorted(app.sizes()) == [1, 2, 2]


async def test_no_more_than_four_mebibytes(known: App, batches: Batches) -> None:
    async def shrug(request: Request) -> None:
        await request.begin()
        await request.say(b"".join(lines(index, b"{}") for index in range(len(request.lines))), more=False)

    known.script = shrug
    large = [claim(known, b'"' + b"x" * 1_500_000 + b'"') for _ in range(5)]
    await send_all(batches, large)
    assert sorted(known.sizes()) == [1, 2, 2]


async def test_what_differs_in_keys_is_not_mixed(known: App, batches: Batches) -> None:
    first = numbered(known, 2)
    second = numbered(known, 2, signing_secrets=SECRETS[:1])
    sends = [batches.send(one, one.body, None) for one in [*first, *second]]
    sends += [batches.send(one, one.body, "tr_prod_a") for one in first]
    assert len(await asyncio.gather(*sends)) == 6
    assert known.sizes() == [2, 2, 2]


async def test_answers_count_as_they_come(known: App, batches: Batches) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slowly(request: Request) -> None:
        await request.begin()
        await request.answer(1)
        await eventually_async(gate.is_set)
        await request.answer(0, more=False)

    known.script = slowly
    first, second = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in numbered(known, 2)]
    assert (await second).body == b'{"n": 1}'
    assert not first.done()
    loop.call_soon(gate.set)
    assert (await first).body == b'{"n": 0}'
    assert known.sizes() == [2]


async def test_one_that_takes_too_long_is_given_up_alone(known: App, batches: Batches) -> None:
    gate = asyncio.Event()

    async def answer_one_late(request: Request) -> None:
        await request.begin()
        await request.answer(0)
        await eventually_async(gate.is_set)
        await request.answer(2)
        await request.answer(1, more=False)

    known.script = answer_one_late
    claims = numbered(known, 3)
    claims[1] = claim(known, timeout_ms=200)
    sends = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in claims]
    with pytest.raises(RequestTimedOut, match=f"{known.url} did not answer within 0.2 s"):
        await sends[1]
    assert not sends[2].done()
    gate.set()
    assert bodies([await sends[0], await sends[2]]) == [b'{"n": 0}', b'{"n": 2}']


async def test_the_request_is_cut_when_nobody_waits_any_more(known: App, batches: Batches) -> None:
    async def answer_one(request: Request) -> None:
        await request.begin()
        await request.answer(0)
        await request.wait_until_cut()

    known.script = answer_one
    claims = [claim(known), claim(known, timeout_ms=100), claim(known, timeout_ms=200)]
    assert kinds(await send_all(batches, claims)) == [HttpResponse, RequestTimedOut, RequestTimedOut]
    await wait_until_cut(known)


async def test_the_request_is_cut_when_only_what_was_given_up_is_to_come(
    known: App, batches: Batches
) -> None:
    async def answer_the_second(request: Request) -> None:
        await request.begin()
        await eventually_async(sends[0].done)
        await request.answer(1)
        await request.wait_until_cut()

    known.script = answer_the_second
    claims = [claim(known, timeout_ms=100), claim(known)]
    sends = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in claims]
    answers = await asyncio.gather(*sends, return_exceptions=True)
    assert kinds(answers) == [RequestTimedOut, HttpResponse]
    await wait_until_cut(known)


async def test_the_request_is_cut_when_all_are_too_late(known: App, batches: Batches) -> None:
    known.script = Request.wait_until_cut
    answers = await send_all(batches, numbered(known, 2, timeout_ms=100))
    assert [str(answer) for answer in answers] == [f"{known.url} did not answer within 0.1 s"] * 2
    await wait_until_cut(known)


async def test_one_that_is_cancelled_leaves_the_others(known: App, batches: Batches) -> None:
    gate = asyncio.Event()

    async def slowly(request: Request) -> None:
        await request.begin()
        await eventually_async(gate.is_set)
        await request.answer(0, 1, more=False)

    known.script = slowly
    first, second = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in numbered(known, 2)]
    await eventually_async(lambda: known.requests)
    first.cancel()
    gate.set()
    assert (await second).body == b'{"n": 1}'
    assert first.cancelled()
    assert not known.requests[0].was_cut


async def test_when_all_are_cancelled_the_request_is(known: App, batches: Batches) -> None:
    known.script = Request.wait_until_cut
    sends = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in numbered(known, 2)]
    await eventually_async(lambda: known.requests)
    for one in sends:
        one.cancel()
    await asyncio.wait(sends)
    await wait_until_cut(known)


async def test_what_is_cancelled_before_it_goes_is_not_sent(known: App, batches: Batches) -> None:
    sends = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in numbered(known, 3)]
    asyncio.get_running_loop().call_soon(sends[1].cancel)
    answers = await asyncio.gather(*sends, return_exceptions=True)
    assert kinds(answers) == [HttpResponse, asyncio.CancelledError, HttpResponse]
    assert known.sizes() == [2]


async def reset(request: Request) -> None:
    reset_connection(request.scope)


async def end(request: Request) -> None:
    await request.say(b"", more=False)


async def half_a_line(request: Request) -> None:
    await request.say(lines(1, b'{"n": 1}')[:-3], more=False)


@pytest.mark.parametrize("finish", [reset, end, half_a_line])
async def test_a_connection_lost_in_the_middle_costs_only_what_had_not_come(
    known: App, batches: Batches, finish: Script
) -> None:
    async def answer_one(request: Request) -> None:
        await request.begin()
        await request.answer(2)
        await eventually_async(lambda: sends[2].done())
        await finish(request)

    known.script = answer_one
    sends = [asyncio.ensure_future(batches.send(one, one.body, None)) for one in numbered(known, 3)]
    answers = await asyncio.gather(*sends, return_exceptions=True)
    assert kinds(answers) == [ConnectionFailed, ConnectionFailed, HttpResponse]
    assert known.url in str(answers[0])


@pytest.mark.parametrize(
    ("garbage", "said"),
    [
        (b"<html><title>Sign in</title></html>\n", "not a head of EXECUTE_JOBS"),
        (b'{"status":"SUCCESS"}\n', "index: Field required"),
        (lines(3, b"{}"), "execution 3 was not asked for"),
        (lines(2, b"{}"), "or is answered twice"),
    ],
)
async def test_garbage_is_told_to_those_that_wait(
    known: App, batches: Batches, garbage: bytes, said: str
) -> None:
    async def talk_nonsense(request: Request) -> None:
        await request.begin()
        await request.answer(2)
        await request.say(garbage)
        await request.wait_until_cut()

    known.script = talk_nonsense
    answers = await send_all(batches, numbered(known, 3))
    assert kinds(answers) == [MalformedBatch, MalformedBatch, HttpResponse]
    assert said in str(answers[0])
    await wait_until_cut(known)


async def test_garbage_and_the_end_in_one_packet(
    known: App, batches: Batches, caplog: pytest.LogCaptureFixture
) -> None:
    async def page(request: Request) -> None:
        await request.begin(content_length="14")
        await request.say(b"<html></html>\n", more=False)

    known.script = page
    assert kinds(await send_all(batches, numbered(known, 2))) == [MalformedBatch] * 2
    assert kinds(await send_all(batches, [claim(known)])) == [HttpResponse]
    assert caplog.text == ""


async def test_one_answer_too_large_costs_no_other(known: App, batches: Batches) -> None:
    async def exaggerate(request: Request) -> None:
        await request.begin()
        await request.say(lines(0, b"x" * 100_000))
        await request.answer(1, more=False)

    known.script = exaggerate
    large, fine = await send_all(batches, numbered(known, 2))
    assert isinstance(large, ResponseTooLarge)
    assert str(large) == f"{known.url}: the answer is larger than the {MOST_RESPONSE_BYTES} bytes allowed"
    assert fine.body == b'{"n": 1}'


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 429])
async def test_an_app_that_refuses_the_whole_gets_them_one_by_one(
    known: App, batches: Batches, status: int
) -> None:
    async def refuse(request: Request) -> None:
        await request.begin(status)
        await request.say(b'{"message":"Method not allowed"}', more=False)

    known.script = refuse
    for sizes in ([3, 1, 1, 1], [1, 1, 1]):  # and remembers it, though single answers say otherwise
        answers = await send_all(batches, numbered(known, 3))
        assert bodies(answers) == [one.body for one in numbered(known, 3)]
        assert known.sizes() == sizes


@pytest.mark.parametrize("status", [302, 408, 500, 502, 504])
async def test_any_other_answer_to_the_whole_is_that_of_each(
    known: App, batches: Batches, status: int
) -> None:
    async def fail(request: Request) -> None:
        await request.begin(status, x_from="proxy")
        await request.say(b"sorry", more=False)

    known.script = fail
    answers = await send_all(batches, numbered(known, 3))
    assert {(answer.status, answer.headers["x-from"], answer.body) for answer in answers} == {
        (status, "proxy", b"sorry")
    }
    assert known.sizes() == [3]


async def test_a_proxy_that_holds_answers_back_ends_the_batches(
    known: App, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "_HELD_BACK_S", 0.05)

    async def hold_back(request: Request) -> None:
        await asyncio.sleep(0.2)
        await request.begin()
        await request.answer(0, 1, ms=90, more=False)

    known.script = hold_back
    assert kinds(await send_all(batches, numbered(known, 2))) == [HttpResponse] * 2
    assert kinds(await send_all(batches, numbered(known, 2))) == [HttpResponse] * 2
    assert known.sizes() == [2, 1, 1]


async def test_an_app_that_is_just_slow_is_no_proxy_that_holds_back(
    known: App, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "_HELD_BACK_S", 0.15)

    async def take_its_time(request: Request) -> None:
        await asyncio.sleep(0.2)
        await request.begin()
        await request.answer(0, 1, ms=200, more=False)

    known.script = take_its_time
    await send_all(batches, numbered(known, 2))
    known.script = known.echo
    await send_all(batches, numbered(known, 2))
    assert known.sizes() == [2, 2]


async def test_only_the_first_answer_tells_of_a_proxy_that_holds_back(
    known: App, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "_HELD_BACK_S", 0.2)

    async def answer_one_later(request: Request) -> None:
        await request.begin()
        await request.answer(0)
        await asyncio.sleep(0.3)
        await request.answer(1, more=False)

    known.script = answer_one_later
    await send_all(batches, numbered(known, 2))
    known.script = known.echo
    await send_all(batches, numbered(known, 2))
    assert known.sizes() == [2, 2]


async def test_slow_executions_go_alone_and_quick_ones_together_again(known: App, batches: Batches) -> None:
    async def say_that_it_was_slow(request: Request) -> None:
        await request.begin()
        await request.answer(*range(20), ms=20_000, more=False)

    known.script = say_that_it_was_slow
    await send_all(batches, numbered(known, 20))
    known.script = known.echo
    known.requests.clear()
    await send_all(batches, numbered(known, 20))  # all decided upon before the first has ended
    assert known.sizes() == [1] * 20
    await send_all(batches, numbered(known, 20))
    assert known.sizes() == [20]


async def test_a_mistake_of_ours_reaches_those_who_wait(
    known: App, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **_options: Any) -> Any:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(batch_module, "execute_jobs", broken)
    assert kinds(await send_all(batches, numbered(known, 2))) == [ZeroDivisionError] * 2


async def test_connections_are_used_again(known: App, batches: Batches) -> None:
    for _ in range(3):
        await send_all(batches, numbered(known, 5))
    await send_all(batches, [claim(known)])
    assert len({request.scope["client"] for request in known.requests}) == 1


async def test_nothing_of_a_batch_is_kept(known: App, batches: Batches) -> None:
    """Its bodies may be megabytes, and the garbage collector is not to be needed for them."""
    gc.collect()
    gc.disable()
    try:
        assert kinds(await send_all(batches, numbered(known, 5))) == [HttpResponse] * 5
        await eventually_async(
            lambda: not any(isinstance(one, batch_module.Batch) for one in gc.get_objects())
        )
    finally:
        gc.enable()
