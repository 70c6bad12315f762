"""Batches that are refused, cut off or answered with garbage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from perdure.wire.http import ConnectionFailed, HttpResponse, ResponseTooLarge
from perdure_dispatcher import batch as batch_module
from perdure_dispatcher.batch_answer import MalformedBatch
from perdure_dispatcher.batches import Batches
from tests.dispatcher.batches.scripted_app import App, Request, Script, lines
from tests.dispatcher.batches.sending import (
    MOST_RESPONSE_BYTES,
    bodies,
    claim,
    kinds,
    numbered,
    send_all,
    wait_until_cut,
)
from tests.support.http_server import reset_connection
from tests.support.waiting import eventually_async


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


async def test_a_mistake_of_ours_reaches_those_who_wait(
    known: App, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **_options: Any) -> Any:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(batch_module, "execute_jobs", broken)
    assert kinds(await send_all(batches, numbered(known, 2))) == [ZeroDivisionError] * 2
