"""Which executions go together over real HTTP, and to which apps."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from perdure.wire.http import HttpResponse
from perdure.wire.signing import SignatureError, verify
from perdure_dispatcher import batch as batch_module
from perdure_dispatcher.batches import Batches
from tests.dispatcher.batches.scripted_app import App, Request, lines
from tests.dispatcher.batches.sending import (
    SECRETS,
    bodies,
    claim,
    kinds,
    numbered,
    send_all,
)


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


async def test_what_was_claimed_alone_waits_for_no_other(known: App, batches: Batches) -> None:
    sends = [batches.send(one, one.body, None, alone=True) for one in numbered(known, 2)]
    assert bodies(await asyncio.gather(*sends)) == [one.body for one in numbered(known, 2)]
    assert known.sizes() == [1, 1]


async def test_what_differs_in_keys_is_not_mixed(known: App, batches: Batches) -> None:
    first = numbered(known, 2)
    second = numbered(known, 2, signing_secrets=SECRETS[:1])
    sends = [batches.send(one, one.body, None) for one in [*first, *second]]
    sends += [batches.send(one, one.body, "tr_prod_a") for one in first]
    assert len(await asyncio.gather(*sends)) == 6
    assert known.sizes() == [2, 2, 2]


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


async def test_connections_are_used_again(known: App, batches: Batches) -> None:
    for _ in range(3):
        await send_all(batches, numbered(known, 5))
    await send_all(batches, [claim(known)])
    assert len({request.scope["client"] for request in known.requests}) == 1
