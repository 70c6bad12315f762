"""Jobs alone, in memory: everything happens at once."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import (
    IO,
    STANDARD_BACKOFF,
    Context,
    Perdure,
    RunFailed,
    SyncIO,
    TaskOptions,
    WaitTimedOut,
    event_trigger,
)
from perdure.testing import TIMED_OUT, JobTester, Unanswered
from tests.sdk.testing.jobs import Order, make_shop


class Note(BaseModel):
    """A payload."""

    text: str


async def test_it_runs_to_the_end_at_once() -> None:
    shop = make_shop()
    outcome = await JobTester(shop.order).run(Order(id="7"))
    assert outcome.output == "7: reserve, ship"
    assert outcome.tasks == ["reserve", "a day", "ship"]
    assert outcome.output_of("ship") == "ship"
    assert outcome.waits == {"a day": 86400}
    assert outcome.logs == ["got it"]
    assert outcome.executions == 2
    assert shop.done == ["reserve", "ship"]


def test_plain_jobs_run_in_the_tests_thread() -> None:
    import threading

    app = Perdure("plain")

    @app.job(id="plain", version="1.0.0", on=event_trigger("plain"))
    def plain(payload: Any, io: SyncIO) -> int:
        io.wait("a while", timedelta(hours=1))
        return io.run_task("where", threading.get_ident)

    assert JobTester(plain).run_blocking().output == threading.get_ident()


async def test_it_is_quick() -> None:
    tester = JobTester(make_shop().order)
    await tester.run(Order(id="7"))
    started_at = time.perf_counter()
    for _ in range(20):
        await tester.run(Order(id="7"))
    assert (time.perf_counter() - started_at) / 20 < 0.1  # some ms; a loaded machine takes longer


async def test_waits_for_others_are_answered_by_the_test() -> None:
    shop = make_shop()
    assert (await JobTester(shop.approved, answers={"decision": {"id": "7", "amount": 3}}).run()).output == 3
    assert (await JobTester(shop.polite, answers={"answer": [1]}).run()).output == [1]
    assert (await JobTester(shop.fetching, answers={"price": {"eur": 2}}).run()).output == {"eur": 2}
    outcome = await JobTester(shop.parent, answers={"child": "done"}).run(Order(id="7"))
    assert outcome.output == "parent of done"
    assert outcome.invoked == [("order", {"id": "7", "amount": 1})]
    assert [(event["name"], event["payload"]) for event in outcome.events] == [("told", {"id": "7"})]


async def test_a_wait_without_an_answer_is_told() -> None:
    with pytest.raises(Unanswered, match=r"the job waits at 'decision' .*answers=\{'decision': \.\.\.\}"):
        await JobTester(make_shop().approved).run()


async def test_nothing_comes_in_time_or_an_error() -> None:
    app = Perdure("late")

    @app.job(id="late", version="1.0.0", on=event_trigger("late"))
    async def late(payload: Any, io: IO) -> str:
        try:
            await io.wait_for_event("news", "news")
        except WaitTimedOut:
            return "late"
        return "in time"

    assert (await JobTester(late, answers={"news": TIMED_OUT}).run()).output == "late"
    tester = JobTester(late, answers={"news": lambda params: {"for": params["name"]}})
    assert (await tester.run()).output == "in time"
    failed = await JobTester(late, answers={"news": ValueError("bad news")}).run()
    assert failed.error == "ValueError: bad news"


async def test_another_job_fails() -> None:
    app = Perdure("caller")

    @app.job(id="caller", version="1.0.0", on=event_trigger("caller"))
    async def caller(payload: Any, io: IO) -> str:
        try:
            await io.invoke_and_wait("call", "other")
        except RunFailed as failure:
            return failure.error.message
        return "fine"

    assert (await JobTester(caller, answers={"call": RuntimeError("no")}).run()).output == "no"


async def test_many_jobs_at_once() -> None:
    app = Perdure("batch")

    @app.job(id="batch", version="1.0.0", on=event_trigger("batch"))
    async def batch(payload: Any, io: IO) -> list[Any]:
        return await io.batch_invoke_and_wait("each", "other", [1, 2])

    assert (await JobTester(batch, answers={"each": ["a", "b"]}).run()).output == ["a", "b"]
    assert (await JobTester(batch, answers={"each": lambda payload: payload * 10}).run()).output == [10, 20]
    with pytest.raises(Unanswered, match="waits at 'each'"):
        await JobTester(batch).run()


async def test_tries_again_at_once() -> None:
    outcome = await JobTester(make_shop().flaky).run()
    assert outcome.output == 3
    assert outcome.retries == ["attempt", "attempt"]


async def test_a_failure_shows_what_was_done() -> None:
    outcome = await JobTester(make_shop().failing).run()
    assert outcome.status == "ERROR"
    assert outcome.error == "ValueError: no such product"
    with pytest.raises(
        AssertionError, match=r"ended with ERROR: ValueError: no such product\n  fine: COMPLETED"
    ):
        _ = outcome.output


async def test_a_payload_that_does_not_fit() -> None:
    outcome = await JobTester(make_shop().order).run({"amount": 1})
    assert outcome.status == "INVALID_PAYLOAD"
    assert "Field required" in str(outcome.error)


async def test_mocks() -> None:
    shop = make_shop()
    tester = JobTester(shop.order)
    mock = tester.mock_task("reserve", returns="reserved")
    assert (await tester.run(Order(id="7"))).output == "7: reserved, ship"
    assert len(mock.calls) == 1
    assert shop.done == ["ship"]


async def test_statuses_stores_and_events() -> None:
    app = Perdure("notes")

    @app.job(id="notes", version="1.0.0", on=event_trigger("notes"))
    async def notes(payload: Note, io: IO, ctx: Context) -> Any:
        status = await io.create_status("progress", state="loading")
        await status.update("done", state="success")
        await io.store.run.set("keep", "note", payload.text)
        await io.send_event("tell", "noted", payload)
        return await io.store.run.get("look", "note")

    outcome = await JobTester(notes).run(Note(text="hi"))
    assert outcome.output == "hi"
    assert outcome.statuses["progress"]["state"] == "success"
    assert [event["payload"] for event in outcome.events] == [{"text": "hi"}]


async def test_the_context_is_the_tests() -> None:
    app = Perdure("context")

    @app.job(id="context", version="1.0.0", on=event_trigger("context"))
    async def show(payload: Any, io: IO, ctx: Context) -> Any:
        return [ctx.event.context, ctx.account.id if ctx.account else None]

    outcome = await JobTester(show).run(context={"a": 1}, account_id="u7")
    assert outcome.output == [{"a": 1}, "u7"]


async def test_many_tasks_side_by_side_and_yields() -> None:
    app = Perdure("many")

    @app.job(id="many", version="1.0.0", on=event_trigger("many"))
    async def many(payload: Any, io: IO) -> int:
        options = TaskOptions(retry=STANDARD_BACKOFF)
        numbers = await io.map("numbers", lambda number: number, range(20), options=options)
        await io.yield_execution("afresh")
        return sum(numbers)

    outcome = await JobTester(many).run()
    assert (outcome.output, outcome.executions) == (190, 2)


def test_it_needs_neither_server_nor_database() -> None:
    code = (
        "import sys, perdure\n"
        "assert not {'perdure.testing', 'perdure_testing'} & set(sys.modules)\n"
        "from perdure.testing import JobTester\n"
        "bad = {'perdure_server', 'perdure_engine', 'perdure_dispatcher', 'psycopg', 'pytest', 'httpx'}\n"
        "assert not bad & set(sys.modules), bad & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
