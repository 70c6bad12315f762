"""Each answer of the SDK to EXECUTE_JOB, and what the platform makes of it (protocol 3)."""

from __future__ import annotations

from .outcome import ABSENT, Outcome
from .system import JsApp, Runs

RUNS: Runs = {
    "output": ("replies.output", {"n": 21}),
    "undefined": ("replies.undefined", {}),
    "null": ("replies.null", {}),
    "context": ("replies.context", {}),
    "thrown": ("replies.thrown", {}),
    "thrown value": ("replies.thrown-value", {}),
    "failed task": ("replies.failed-task-met-again", {}),
    "open tasks": ("replies.open-tasks", {}),
    "payload": ("replies.payload", {"n": "one"}),
    "unresolved": ("replies.unresolved", {}),
    "wait": ("replies.wait", {}),
    "retry": ("replies.retry", {}),
    "canceled": ("replies.canceled", {}),
    "canceled late": ("replies.canceled-late", {}),
    "yield": ("replies.yield", {}),
    "auto-yield": ("replies.auto-yield", {}),
    "auto-yield task": ("replies.auto-yield-task", {}),
    "auto-yield completed": ("replies.auto-yield-completed", {}),
    "rate limit": ("replies.rate-limit", {}),
    "parallel": ("replies.parallel", {}),
}


def test_success_stores_the_output(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["output"]) == Outcome("SUCCESS", {"doubled": 42})
    assert app.replies(runs["output"]) == ["SUCCESS"]


def test_success_keeps_undefined_and_null_apart(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["undefined"]) == Outcome("SUCCESS", ABSENT)
    assert app.finished(runs["null"]) == Outcome("SUCCESS", None)


def test_execute_job_tells_the_context(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["context"])
    assert outcome.status == "SUCCESS"
    project = outcome.output.pop("project")
    assert app.version.replace(".", "-") in project
    assert outcome.output == {
        "event": {"name": "replies.context", "context": {}},
        "job": {"id": "replies.context", "version": "1.0.0"},
        "run": {"isTest": False, "isRetry": False},
        "environment": {"slug": "prod", "type": "PRODUCTION"},
        "organization": "js",
    }


def test_error_fails_the_run(app: JsApp, runs: dict[str, str]) -> None:
    error = {"name": "RangeError", "message": "out of range"}
    assert app.finished(runs["thrown"]) == Outcome(
        "FAILURE", error, ["done COMPLETED"], {"run": 1, "done": 1}
    )
    assert "replies.js" in app.run(runs["thrown"])["output"]["stack"]


def test_error_may_be_no_error_object(app: JsApp, runs: dict[str, str]) -> None:
    error = {"name": "Unknown error", "message": '{"reason":"no Error at all"}'}
    assert app.finished(runs["thrown value"]) == Outcome("FAILURE", error)


def test_error_with_a_task_is_that_tasks_error(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["failed task"]) == Outcome(
        "FAILURE",
        {"name": "Error", "message": "the disk is full"},
        ["fails ERRORED", "a second COMPLETED"],
        {"run": 2, "fails": 1},
    )
    assert app.replies(runs["failed task"]) == ["RESUME_WITH_TASK", "ERROR"]


def test_error_ends_the_tasks_that_are_open(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["open tasks"]).in_any_order() == Outcome(
        "FAILURE",
        {"name": "Error", "message": "the other one failed"},
        ["  throws ERRORED", "  waits ERRORED", "both ERRORED"],
        {"run": 1, "throws": 1},
    )


def test_invalid_payload(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["payload"])
    assert [(error["path"], "number" in error["message"]) for error in outcome.output] == [(["n"], True)]
    assert (outcome.status, outcome.tasks, outcome.calls) == ("INVALID_PAYLOAD", [], {})


def test_unresolved_auth(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["unresolved"])
    assert outcome.output["vault"]["id"] == "vault"
    assert "the vault has no such account" in outcome.output["vault"]["error"]
    assert (outcome.status, outcome.tasks, outcome.calls) == ("UNRESOLVED_AUTH", [], {})


def test_resume_with_task_waits(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["wait"]) == Outcome(
        "SUCCESS",
        1,
        ["before COMPLETED", "a second COMPLETED", "after COMPLETED"],
        {"run": 2, "before": 1, "after": 1},
    )
    assert app.replies(runs["wait"]) == ["RESUME_WITH_TASK", "SUCCESS"]


def test_retry_with_task_tries_again(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["retry"]) == Outcome(
        "SUCCESS", {"attempts": 3}, ["flaky COMPLETED"], {"run": 3, "flaky": 3}
    )
    assert app.replies(runs["retry"]) == ["RETRY_WITH_TASK", "RETRY_WITH_TASK", "SUCCESS"]
    attempts = app.platform.views.rows(
        "select a.status, a.error ->> 'message' as error from perdure_views.attempts as a"
        " inner join perdure_views.tasks as t on t.id = a.task_id where t.run_id = %s order by a.number",
        runs["retry"],
    )
    assert [(attempt["status"], attempt["error"]) for attempt in attempts] == [
        ("ERRORED", "attempt 1 failed"),
        ("ERRORED", "attempt 2 failed"),
        ("COMPLETED", None),
    ]


def test_canceled_changes_nothing(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["canceled"]) == Outcome(
        "CANCELED", ABSENT, ["before COMPLETED", "after CANCELED"], {"run": 1, "before": 1}
    )


def test_an_answer_after_cancelling_is_dropped(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["canceled late"]) == Outcome("CANCELED", ABSENT)


def test_yield_executes_again_at_once(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["yield"]) == Outcome(
        "SUCCESS", "yielded twice", ["once COMPLETED"], {"run": 3, "once": 1}
    )
    assert app.replies(runs["yield"]) == ["YIELD_EXECUTION", "YIELD_EXECUTION", "SUCCESS"]


def test_auto_yield_executes_again(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["auto-yield"]) == Outcome(
        "SUCCESS", 1, ["quick COMPLETED", "late COMPLETED"], {"run": 2, "quick": 1, "late": 1}
    )
    assert app.replies(runs["auto-yield"]) == ["AUTO_YIELD_EXECUTION", "SUCCESS"]
    assert app.finished(runs["auto-yield task"]) == Outcome(
        "SUCCESS", 1, ["late COMPLETED"], {"run": 2, "late": 1}
    )
    assert app.replies(runs["auto-yield task"]) == ["AUTO_YIELD_EXECUTION", "SUCCESS"]


def test_auto_yield_with_completed_task_completes_it(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["auto-yield completed"]) == Outcome(
        "SUCCESS", {"worked": True}, ["slow COMPLETED"], {"run": 2, "slow": 1}
    )
    assert app.replies(runs["auto-yield completed"]) == [
        "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK",
        "SUCCESS",
    ]
    [task] = app.platform.views.rows(
        "select t.output_properties as properties from perdure_views.tasks as t where t.run_id = %s",
        runs["auto-yield completed"],
    )
    assert task["properties"] == [{"label": "Left", "text": "300 ms"}]


def test_auto_yield_rate_limit_executes_again_after_the_reset(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["rate limit"]) == Outcome(
        "SUCCESS", 1, ["limited COMPLETED"], {"run": 2, "limited": 1}
    )
    assert app.replies(runs["rate limit"]) == ["AUTO_YIELD_RATE_LIMIT", "SUCCESS"]
    first, second = app.platform.views.executions(runs["rate limit"])
    assert (second["claimed_at"] - first["ended_at"]).total_seconds() > 1


def test_resume_with_parallel_task_waits_for_all_children(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["parallel"]).in_any_order() == Outcome(
        "SUCCESS",
        ["short", "long", "flaky"],
        [
            "  flaky COMPLETED",
            "  long COMPLETED",
            "  short COMPLETED",
            "  wait long COMPLETED",
            "  wait short COMPLETED",
            "all COMPLETED",
        ],
        {"run": 2, "short": 1, "long": 1, "flaky": 2},
    )
    assert app.replies(runs["parallel"]) == ["RESUME_WITH_PARALLEL_TASK", "SUCCESS"]
