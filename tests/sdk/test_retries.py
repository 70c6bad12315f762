"""Retries: policies, hints, hooks, and giving up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import (
    EXPONENTIAL_BACKOFF,
    IO,
    STANDARD_BACKOFF,
    GiveUp,
    Perdure,
    Retry,
    RetryAt,
    TaskFailed,
    TaskOptions,
    event_trigger,
)
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def declare(app: Perdure, fn: Any, options: TaskOptions) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            return f"got {await io.run_task('call', fn, options=options)}"
        except TaskFailed as error:
            return f"gave up: {error.message}"


class Flaky:
    """Fails a number of times, then succeeds."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.calls = 0
        self.error = error or ConnectionError("down")

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "through"


async def test_a_policy_gives_a_retry_with_the_policy_in_the_reply(
    app: Perdure, platform: FakePlatform
) -> None:
    flaky = Flaky(2)
    declare(app, flaky, TaskOptions(retry=STANDARD_BACKOFF))
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RETRY_WITH_TASK"
    assert reply["error"]["name"] == "ConnectionError"
    assert reply["retry"] == {
        "limit": 8,
        "factor": 1.8,
        "minTimeoutInMs": 500,
        "maxTimeoutInMs": 30000,
        "randomize": True,
    }
    assert "retryAt" not in reply
    assert "status" not in reply["task"]
    assert platform.calls == []
    run.end_waits()
    assert (await platform.execute(app, run))["task"] == {"id": run.row("call")["id"]}
    run.end_waits()
    assert (await platform.finish(app, run))["output"] == "got through"
    assert (flaky.calls, run.row("call")["attempts"]) == (3, 3)


async def test_at_the_limit_the_task_fails_for_good(app: Perdure, platform: FakePlatform) -> None:
    flaky = Flaky(99)
    declare(app, flaky, TaskOptions(retry=Retry(limit=3)))
    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == "gave up: down"
    assert flaky.calls == 3
    assert run.row("call")["status"] == "ERRORED"


async def test_without_a_policy_there_is_one_try(app: Perdure, platform: FakePlatform) -> None:
    flaky = Flaky(1)
    declare(app, flaky, TaskOptions())
    assert (await platform.finish(app, platform.start("job")))["output"] == "gave up: down"
    assert flaky.calls == 1


async def test_a_task_waiting_for_its_retry_is_not_called_early(app: Perdure, platform: FakePlatform) -> None:
    flaky = Flaky(1)
    declare(app, flaky, TaskOptions(retry=Retry()))
    run = platform.start("job")
    await platform.execute(app, run)
    reply = await platform.execute(app, run)
    assert reply == {"status": "RESUME_WITH_TASK", "task": {"id": run.row("call")["id"]}}
    assert flaky.calls == 1


async def test_retry_at_is_passed_on(app: Perdure, platform: FakePlatform) -> None:
    declare(app, Flaky(1, RetryAt(LATER, "slow down")), TaskOptions(retry=Retry(limit=2)))
    reply = await platform.execute(app, platform.start("job"))
    assert reply["retryAt"] == "2030-01-01T00:00:00Z"
    assert reply["error"]["message"] == "slow down"


async def test_any_exception_with_a_retry_at_attribute_is_obeyed_without_a_policy(
    app: Perdure, platform: FakePlatform
) -> None:
    class TooManyRequests(Exception):
        retry_at = LATER

    flaky = Flaky(99, TooManyRequests("429"))
    declare(app, flaky, TaskOptions())
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["retryAt"] == "2030-01-01T00:00:00Z"
    run.end_waits()
    assert (await platform.finish(app, run))["output"] == "gave up: 429"
    assert flaky.calls == STANDARD_BACKOFF.limit


async def test_on_error_may_name_the_time(app: Perdure, platform: FakePlatform) -> None:
    declare(app, Flaky(1), TaskOptions(retry=Retry(), on_error=lambda error: RetryAt(LATER)))
    reply = await platform.execute(app, platform.start("job"))
    assert reply["retryAt"] == "2030-01-01T00:00:00Z"
    assert reply["error"]["name"] == "ConnectionError"


async def test_on_error_may_give_up(app: Perdure, platform: FakePlatform) -> None:
    flaky = Flaky(1)
    declare(app, flaky, TaskOptions(retry=Retry(), on_error=lambda error: GiveUp()))
    assert (await platform.finish(app, platform.start("job")))["output"] == "gave up: down"
    assert flaky.calls == 1


async def test_on_error_may_replace_the_error(app: Perdure, platform: FakePlatform) -> None:
    declare(app, Flaky(1), TaskOptions(on_error=lambda error: LookupError(f"no host ({error})")))
    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == "gave up: no host (down)"
    assert run.row("call")["output"]["name"] == "LookupError"


async def test_an_on_error_that_fails_ends_the_task(app: Perdure, platform: FakePlatform) -> None:
    def broken(error: Exception) -> None:
        raise TypeError("broken hook")

    declare(app, Flaky(1), TaskOptions(retry=Retry(), on_error=broken))
    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == "gave up: broken hook"
    assert "ConnectionError: down" in run.row("call")["output"]["stack"]


async def test_a_parent_is_not_tried_again_for_a_child_that_failed_for_good(
    app: Perdure, platform: FakePlatform
) -> None:
    flaky = Flaky(99)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def parent() -> None:
            await io.run_task("child", flaky)

        await io.run_task("parent", parent, options=TaskOptions(retry=Retry()))

    reply = await platform.finish(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert flaky.calls == 1


async def test_a_parent_that_is_tried_again_keeps_its_finished_children(
    app: Perdure, platform: FakePlatform
) -> None:
    child, parent_calls = Flaky(0), Flaky(1)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def parent() -> str:
            await io.run_task("child", child)
            return parent_calls()

        return await io.run_task("parent", parent, options=TaskOptions(retry=Retry()))

    assert (await platform.finish(app, platform.start("job")))["output"] == "through"
    assert (child.calls, parent_calls.calls) == (1, 2)


def test_presets_are_those_of_the_protocol() -> None:
    assert (STANDARD_BACKOFF.limit, STANDARD_BACKOFF.factor) == (8, 1.8)
    assert EXPONENTIAL_BACKOFF.to_wire().model_dump() == {
        "limit": 8,
        "factor": 2,
        "min_timeout_in_ms": 1000,
        "max_timeout_in_ms": 30000,
        "randomize": True,
    }


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"factor": 0.5}, {"min_delay_s": -1}, {"min_delay_s": 5, "max_delay_s": 1}]
)
def test_impossible_policies_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Retry(**wrong)  # type: ignore[arg-type]


def test_retry_at_needs_an_aware_datetime() -> None:
    with pytest.raises(ValueError, match="aware"):
        RetryAt(datetime.now() + timedelta(hours=1))
