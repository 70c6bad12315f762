"""The platform of a test: jobs run for real, and time is skipped."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from perdure import IO, HttpRequest, ImmediateResponse, Perdure, event_trigger
from perdure.testing import ExecutionStuck, JobTester, Platform, RunNotSuccessful
from tests.sdk.testing.jobs import Order, make_shop


async def test_a_day_passes_at_once(perdure_platform: Platform) -> None:
    shop = make_shop()
    started_at = time.monotonic()
    run = await perdure_platform.start(shop.order, Order(id="7"))
    assert run.status == "WAITING_TO_CONTINUE"
    assert not run.is_finished
    await run.advance(hours=23, minutes=59)
    assert shop.done == ["reserve"]
    await run.advance(minutes=1)
    assert run.output == "7: reserve, ship"
    assert [task.key for task in run.tasks] == ["reserve", "a day", "ship"]
    assert run.task("ship").output == "ship"
    assert run.logs == ["got it"]
    assert time.monotonic() - started_at < 60


async def test_calls_on_the_wire_are_counted(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().order, Order(id="7"))
    await run.advance(days=1)
    assert [len(execution.calls) for execution in run.executions] == [1, 1]
    assert [execution.reply["status"] for execution in run.executions if execution.reply] == [
        "RESUME_WITH_TASK",
        "SUCCESS",
    ]
    assert [task["displayKey"] for call in run.calls for task in call.tasks if not task.get("noop")] == [
        "reserve",
        "ship",
    ]


async def test_the_clock_stands_still(perdure_platform: Platform) -> None:
    before = perdure_platform.now
    await perdure_platform.start(make_shop().order, Order(id="7"))
    assert perdure_platform.now == before
    await perdure_platform.advance(timedelta(hours=2), minutes=30)
    assert perdure_platform.now - before == timedelta(hours=2, minutes=30)


async def test_io_now_follows_the_skipped_time(perdure_platform: Platform) -> None:
    app = Perdure("clock")

    @app.job(id="clock", version="1.0.0", on=event_trigger("clock"))
    async def clock(payload: Any, io: IO) -> float:
        before = io.now("before")
        await io.wait("a day", timedelta(days=1))
        return (io.now("after") - before).total_seconds()

    run = await perdure_platform.start(clock)
    await run.advance(days=1)
    assert run.output == 86400
    assert (await JobTester(clock).run()).output == 86400


async def test_each_try_comes_at_its_time(perdure_platform: Platform) -> None:
    shop = make_shop()
    run = await perdure_platform.start(shop.flaky)
    assert shop.done == ["try"]
    assert "attempt: WAITING, try 2 until" in str(run)
    assert "(ConnectionError: not yet)" in str(run)
    await run.finish()
    assert run.output == 3
    assert run.task("attempt").attempts == 3


async def test_a_failure_is_told_with_the_tasks(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().failing)
    assert run.status == "FAILURE"
    assert run.error == "ValueError: no such product"
    with pytest.raises(RunNotSuccessful, match=r"'failing': FAILURE\n  error: .*product\n  fine: COMPLETED"):
        _ = run.output


async def test_what_a_filter_keeps_out_is_said(perdure_platform: Platform) -> None:
    with pytest.raises(AssertionError, match="event 'order' started no run of job 'order'"):
        await perdure_platform.start(make_shop().order, Order(id="7", amount=0))


async def test_a_job_starts_another_and_waits_for_it(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().parent, Order(id="7"))
    parent, child = perdure_platform.runs
    assert (parent.id, child.job) == (run.id, "order")
    await run.finish()
    assert run.output == "parent of 7: reserve, ship"


async def test_an_event_ends_a_wait(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().approved)
    await perdure_platform.send_event("decided", Order(id="6", amount=6))
    assert not run.is_finished
    await perdure_platform.send_event("decided", Order(id="7", amount=8))
    assert run.output == 8


async def test_somebody_answers_a_request(perdure_platform: Platform) -> None:
    shop = make_shop()
    run = await perdure_platform.start(shop.polite)
    assert shop.done == ["told http://perdure.test"[:24]]
    await run.post("answer", {"yes": True})
    assert run.output == {"yes": True}
    with pytest.raises(AssertionError, match="no task 'question'"):
        await run.post("question")


async def test_nobody_answers_a_request(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().polite)
    await run.advance(days=2)
    assert run.error is not None
    assert "nothing came in time" in run.error


async def test_time_does_not_end_every_run(perdure_platform: Platform) -> None:
    run = await perdure_platform.start(make_shop().order, Order(id="7"))
    await run.cancel()
    assert run.status == "CANCELED"
    assert await perdure_platform.skip_to_next() is False


async def test_requests_outside_are_answered_by_the_test(perdure_platform: Platform) -> None:
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"price": 3})

    perdure_platform.outside(answer)
    run = await perdure_platform.start(make_shop().fetching)
    assert run.output == {"price": 3}
    assert asked == ["https://prices.test/7"]


async def test_the_api_takes_requests_from_outside(perdure_platform: Platform) -> None:
    answer = await perdure_platform.request("GET", "/healthz")
    assert answer.status == 200
    refused = await perdure_platform.request("GET", "/api/v1/runs")
    assert refused.status == 401


async def test_an_app_answers_by_way_of_the_platform(perdure_platform: Platform) -> None:
    app = Perdure("inbox")
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)

    @inbox.respond({"method": ["GET"]})
    def answer(request: HttpRequest) -> ImmediateResponse:
        return ImmediateResponse(status=200, body="yes?")

    @app.job(id="read", version="1.0.0", on=inbox.on_request())
    async def read(payload: HttpRequest, io: IO) -> str:
        return payload.text

    await perdure_platform.attach(app)
    key = {"authorization": f"Bearer {perdure_platform.api_key}"}
    listed = await perdure_platform.request("GET", "/api/v1/http-endpoints", headers=key)
    (endpoint,) = json.loads(listed.body)
    assert (await perdure_platform.request("GET", endpoint["url"])).body == b"yes?"
    await perdure_platform.request("POST", endpoint["url"], body=b"a letter")
    assert perdure_platform.runs[-1].output == "a letter"


async def test_each_test_begins_with_nothing(perdure_platform: Platform) -> None:
    assert perdure_platform.runs == []
    assert perdure_platform.executions == []


async def test_a_deployment_during_a_run(perdure_platform: Platform) -> None:
    old, new = make_shop(), Perdure("Shop_1.a")
    before = old.app.api

    @new.job(id="order", version="1.0.0", on=event_trigger("order"))
    async def order(payload: Order, io: IO) -> str:
        await io.run_task("pay", lambda: None)
        return "done"

    run = await perdure_platform.start(old.order, Order(id="7"))
    await perdure_platform.attach(new)
    assert old.app.api is before
    await run.advance(days=1)
    assert run.error is not None
    assert "the code changed under a running run" in run.error


async def test_the_app_is_as_before_afterwards(perdure_platform: Platform) -> None:
    shop = make_shop()
    before = (shop.app.settings, shop.app.api, shop.app.database)
    await perdure_platform.start(shop.order, Order(id="7"))
    assert shop.app.database == perdure_platform.database_url
    perdure_platform.reset()
    assert (shop.app.settings, shop.app.api, shop.app.database) == before


async def test_a_job_that_hangs_fails_the_test(
    perdure_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure_testing.apps.EXECUTION_LIMIT_S", 0.2)
    app = Perdure("hanging")

    @app.job(id="hanging", version="1.0.0", on=event_trigger("hanging"))
    async def hanging(payload: Any, io: IO) -> None:
        await io.run_task("begin", lambda: None)
        await asyncio.Event().wait()

    with pytest.raises(ExecutionStuck, match=r"job 'hanging': WAITING_TO_EXECUTE\n  begin: COMPLETED"):
        await perdure_platform.start(hanging)


@pytest.mark.parametrize("time", [1, 2])
async def test_the_database_is_a_real_one(perdure_platform: Platform, time: int) -> None:
    await perdure_platform.start(make_shop().order, Order(id="7"))
    with psycopg.connect(perdure_platform.database_url) as connection:
        connection.execute("create table own (id int)")  # is gone the second time
        found = connection.execute("select status from perdure_views.runs").fetchall()
    assert found == [("WAITING_TO_CONTINUE",)]
