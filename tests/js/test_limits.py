"""Retries, yields, timeouts, sizes and concurrency (protocol 6, and 3.4 for what is no answer)."""

from __future__ import annotations

from typing import Any

from tests.support.waiting import eventually

from .outcome import ABSENT, Outcome
from .system import ENDPOINT_TIMEOUT_MS, JsApp, Runs

MEBIBYTE = 1 << 20


def interrupted(times: int, status: int, **answer: Any) -> tuple[str, Any]:
    """A run whose host answers for its first executions, in the middle of a task."""
    return "limits.interrupted", {"times": times, "status": status, **answer}


RUNS: Runs = {
    "backoff": ("limits.backoff", {}),
    "exhausted": ("limits.exhausted", {}),
    "no retry": ("limits.no-retry", {}),
    "yields": ("limits.yields", {"yields": 100}),
    "too many yields": ("limits.yields", {"yields": 101}),
    "refused": interrupted(1, 422, body='{"message": "unprocessable"}'),
    "refused without words": interrupted(1, 403),
    "failing host": interrupted(2, 500, body='{"message": "try again"}'),
    "malformed": interrupted(1, 200, body="<html>all is well</html>"),
    "cut off": ("limits.cut-off", {}),
    "hot loop": ("limits.hot-loop", {}),
    "output that fits": ("limits.output-size", {"size": 2 * MEBIBYTE}),
    "output too large": ("limits.output-size", {"size": 3 * MEBIBYTE + 10}),
    "store": ("limits.store-size", {"sizes": [200_000, 300_000]}),
    **{f"one {n}": ("limits.one-at-a-time", {}) for n in range(4)},
    **{f"pair {job} {n}": (f"limits.pair-{job}", {}) for job in "ab" for n in range(3)},
}


def test_retries_back_off(app: JsApp, runs: dict[str, str]) -> None:
    """The first and second retry wait the minimum, then the factor counts, up to the maximum."""
    assert app.finished(runs["backoff"]) == Outcome("SUCCESS", 4, ["flaky COMPLETED"], {"run": 4, "flaky": 4})
    rows = app.platform.views.rows(
        "select extract(epoch from a.next_at - a.ended_at) as delay from perdure_views.attempts as a"
        " inner join perdure_views.tasks as t on t.id = a.task_id"
        " where t.run_id = %s and a.next_at is not null order by a.number",
        runs["backoff"],
    )
    delays = [float(row["delay"]) for row in rows]
    assert len(delays) == 3
    for delay, expected in zip(delays, [1, 1, 2.5], strict=True):
        assert expected - 0.8 < delay <= expected, delays  # the SDK names the instant a little before


def test_the_limit_counts_all_tries(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["exhausted"]) == Outcome(
        "FAILURE", {"name": "Error", "message": "attempt 2"}, ["never ERRORED"], {"run": 2, "never": 2}
    )


def test_a_task_without_retry_is_tried_once(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["no retry"]) == Outcome(
        "FAILURE", {"name": "Error", "message": "not retried"}, ["once ERRORED"], {"run": 1, "once": 1}
    )


def test_a_run_may_yield_a_hundred_times(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["yields"]) == Outcome("SUCCESS", "done", [], {"run": 101})
    outcome = app.finished(runs["too many yields"])
    assert (outcome.status, outcome.calls) == ("FAILURE", {"run": 101})
    assert "100" in outcome.output["message"]


def test_a_refusal_fails_the_run_at_once(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["refused"])
    assert (outcome.status, outcome.calls) == ("FAILURE", {"run": 1, "progress": 1, "cut off": 1})
    assert "unprocessable" in outcome.output["message"]
    outcome = app.finished(runs["refused without words"])
    assert (outcome.status, outcome.calls) == ("FAILURE", {"run": 1, "progress": 1, "cut off": 1})
    assert "403" in outcome.output["message"]


def test_what_is_no_reply_fails_the_run(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["malformed"])
    assert (outcome.status, outcome.calls) == ("FAILURE", {"run": 1, "progress": 1, "cut off": 1})
    assert outcome.tasks == ["progress COMPLETED", "cut off ERRORED"]


def test_a_failing_or_silent_host_is_tried_again(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["failing host"]) == Outcome(
        "SUCCESS",
        ENDPOINT_TIMEOUT_MS - 350,
        ["progress COMPLETED", "cut off COMPLETED"],
        {"run": 3, "progress": 1, "cut off": 3},
    )
    assert app.finished(runs["cut off"]) == Outcome(
        "SUCCESS", 1, ["before COMPLETED", "after COMPLETED"], {"run": 2, "before": 1, "after": 1}
    )


def test_executions_without_progress_come_slower_and_slower(app: JsApp, runs: dict[str, str]) -> None:
    """An unknown version in an answer makes the SDK yield at once, without end."""
    eventually(lambda: app.calls(runs["hot loop"])["run"] >= 3, timeout_s=20, what="three executions")
    executions = app.platform.views.executions(runs["hot loop"])
    assert {execution["reply_status"] for execution in executions[:3]} == {"AUTO_YIELD_EXECUTION"}
    assert len(executions) < 40
    app.call("client.cancelRun", runs["hot loop"])
    assert app.finished(runs["hot loop"]).status in ("CANCELED", "FAILURE")


def test_an_output_of_more_than_three_mebibytes_is_refused(app: JsApp, runs: dict[str, str]) -> None:
    fits = app.finished(runs["output that fits"])
    assert fits == Outcome("SUCCESS", "stored", ["too large COMPLETED"], {"run": 1})
    outcome = app.finished(runs["output too large"])
    assert (outcome.status, outcome.tasks) == ("FAILURE", ["too large ERRORED"])
    [task] = app.run(runs["output too large"])["tasks"]
    assert "too large" in task["output"]["message"]


def test_the_store_refuses_large_values(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["store"])
    assert (outcome.status, outcome.output) == ("SUCCESS", {"200000": "stored", "300000": "refused"})


def test_concurrency_limits_hold(app: JsApp, runs: dict[str, str]) -> None:
    """Of a job and of a group; a waiting run holds no slot."""
    names = [name for name in runs if name.startswith(("one ", "pair "))]
    for name in names:
        assert app.finished(runs[name]) == Outcome("SUCCESS", ABSENT, ["holds no slot COMPLETED"], {"run": 2})
    assert set(app.notes("one-at-a-time")) == {"1 at once"}
    assert set(app.notes("pair")) == {"1 at once", "2 at once"}
    waits = app.platform.views.rows(
        "select t.started_at, t.completed_at from perdure_views.tasks as t where t.run_id = any(%s::uuid[])",
        [runs[f"one {n}"] for n in range(4)],
    )
    assert max(wait["started_at"] for wait in waits) < max(wait["completed_at"] for wait in waits)
    first_end = min(wait["completed_at"] for wait in waits)
    assert sum(wait["started_at"] < first_end for wait in waits) > 1
