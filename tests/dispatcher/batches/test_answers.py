"""Each execution of a batch has its answer when it comes, its own time and its own end."""

from __future__ import annotations

import asyncio
import gc

import pytest

from perdure.wire.http import HttpResponse, RequestTimedOut
from perdure_dispatcher import batch as batch_module
from perdure_dispatcher.batches import Batches
from tests.dispatcher.batches.scripted_app import App, Request
from tests.dispatcher.batches.sending import (
    bodies,
    claim,
    kinds,
    numbered,
    send_all,
    wait_until_cut,
)
from tests.support.waiting import eventually_async


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
