"""Options of a task: which errors are tried again, time limits, at most once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from perdure import IO, NonRetryableError, Perdure, Retry, SyncIO, TaskFailed, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


def _fails_with(app: Perdure, failure: Exception, options: TaskOptions) -> list[int]:
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise failure

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("task", fail, options=options)

    return tries


@pytest.mark.parametrize(
    ("retry", "failure", "tried_again"),
    [
        (Retry(on=ConnectionError), ConnectionResetError("reset"), True),
        (Retry(on=ConnectionError), ValueError("no"), False),
        (Retry(on=(ConnectionError, ValueError)), ValueError("no"), True),
        (Retry(on=lambda error: "later" in str(error)), ValueError("later"), True),
        (Retry(on=lambda error: "later" in str(error)), ValueError("never"), False),
        (Retry(unless=ValueError), ValueError("no"), False),
        (Retry(unless=ValueError), KeyError("no"), True),
        (Retry(on=OSError, unless=ConnectionError), ConnectionResetError("reset"), False),
        (Retry(), NonRetryableError("never"), False),
    ],
)
async def test_the_policy_says_which_errors_are_tried_again(
    app: Perdure, platform: FakePlatform, retry: Retry, failure: Exception, tried_again: bool
) -> None:
    _fails_with(app, failure, TaskOptions(retry=retry))
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == ("RETRY_WITH_TASK" if tried_again else "ERROR")


async def test_a_non_retryable_error_tells_its_cause(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def fail() -> None:
            try:
                raise ValueError("card expired")
            except ValueError as error:
                raise NonRetryableError("cannot be charged") from error

        try:
            await io.run_task("charge", fail, options=TaskOptions(retry=Retry()))
        except TaskFailed as error:
            return str(error.error.stack)
        return ""

    stack = (await platform.execute(app, platform.start("job")))["output"]
    assert "card expired" in stack


def _answer(status: int, retry_after: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://example.test")
    response = httpx.Response(status, headers={"retry-after": retry_after}, request=request)
    return httpx.HTTPStatusError("no", request=request, response=response)


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_of_an_httpx_error_is_obeyed(
    app: Perdure, platform: FakePlatform, as_date: bool
) -> None:
    instant = datetime.now(UTC) + timedelta(seconds=120)
    text = format_datetime(instant, usegmt=True) if as_date else "120"
    _fails_with(app, _answer(503, text), TaskOptions(retry=Retry()))
    before = datetime.now(UTC)
    reply = await platform.execute(app, platform.start("job"))
    retry_at = datetime.fromisoformat(reply["retryAt"])
    assert timedelta(seconds=60) < retry_at - before < timedelta(seconds=122)


@pytest.mark.parametrize("text", ["soon", "", "-5"])
async def test_a_strange_retry_after_is_passed_over(app: Perdure, platform: FakePlatform, text: str) -> None:
    _fails_with(app, _answer(503, text), TaskOptions(retry=Retry()))
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "retryAt" not in reply


async def test_a_try_that_takes_too_long_fails_and_is_tried_again(
    app: Perdure, platform: FakePlatform
) -> None:
    tries: list[int] = []
    cleaned_up: list[bool] = []

    async def slow() -> str:
        tries.append(1)
        if len(tries) == 1:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned_up.append(True)
        return "quick"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        options = TaskOptions(timeout=timedelta(milliseconds=20), retry=Retry(limit=2))
        return await io.run_task("slow", slow, options=options)

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["error"]["name"]) == ("RETRY_WITH_TASK", "TaskTimedOut")
    assert "not done within 0:00:00.020000" in reply["error"]["message"]
    assert cleaned_up == [True]
    assert (await platform.finish(app, run))["output"] == "quick"


async def test_a_timeout_of_the_tasks_own_is_not_taken_for_the_limit(
    app: Perdure, platform: FakePlatform
) -> None:
    _fails_with(app, TimeoutError("the database's"), TaskOptions(timeout=timedelta(seconds=30)))
    reply = await platform.execute(app, platform.start("job"))
    assert (reply["error"]["name"], reply["error"]["message"]) == ("TimeoutError", "the database's")


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_plain_function_that_takes_too_long_is_left_behind(
    app: Perdure, platform: FakePlatform, kind: str
) -> None:
    options = TaskOptions(timeout=timedelta(milliseconds=20))

    if kind == "async":

        @app.job(id="job", version="1.0.0", on=ON)
        async def job(payload: Any, io: IO) -> None:
            await io.run_task("slow", time.sleep, 0.5, options=options)

    else:

        @app.job(id="job", version="1.0.0", on=ON)
        def plain_job(payload: Any, io: SyncIO) -> None:
            io.run_task("slow", time.sleep, 0.5, options=options)

    started = time.monotonic()
    reply = await platform.execute(app, platform.start("job"))
    assert reply["error"]["name"] == "TaskTimedOut"
    assert time.monotonic() - started < 0.45


async def test_an_at_most_once_task_is_announced_before_it_is_called(
    app: Perdure, platform: FakePlatform
) -> None:
    known: list[list[str]] = []

    async def charge() -> str:
        known.append([row["status"] for row in run.rows.values()])
        return "charged"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        return await io.run_task("charge", charge, options=TaskOptions(at_most_once=True))

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == "charged"
    assert known == [["RUNNING"]]
    assert [[record["status"] for record in put] for put in platform.puts()] == [["RUNNING"], ["COMPLETED"]]


async def test_an_at_most_once_task_of_a_killed_execution_fails(app: Perdure, platform: FakePlatform) -> None:
    calls: list[int] = []

    async def charge() -> None:
        calls.append(1)
        run.lease_number += 1  # what the task did is not stored any more: this execution was given up

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            await io.run_task("charge", charge, options=TaskOptions(at_most_once=True))
        except TaskFailed as error:
            return str(error.name)
        return "charged"

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "CANCELED"
    assert (await platform.execute(app, run))["output"] == "BegunBefore"
    assert calls == [1]
    assert run.row("charge")["status"] == "ERRORED"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timeout": timedelta(0)}, "timeout must be longer than nothing"),
        ({"at_most_once": True, "retry": Retry()}, "at_most_once"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TaskOptions(**options)
