"""What the SDK does with a task by its status, and the ways in which tasks fail (protocol 4.1 to 4.7)."""

from __future__ import annotations

import httpx

from .outcome import ABSENT, Outcome
from .system import JsApp, Runs

RUNS: Runs = {
    "errored": ("tasks.errored", {}),
    "callback": ("tasks.callback", {}),
    "early callback": ("tasks.early-callback", {}),
    "callback timeout": ("tasks.callback-timeout", {}),
    "operation": ("tasks.operation", {}),
    "subtasks": ("tasks.subtasks", {}),
    "subtask fails": ("tasks.subtask-fails", {}),
    "error handler": ("tasks.error-handler", {}),
    "try": ("tasks.try", {}),
    "properties": ("tasks.properties", {}),
}


def test_an_errored_task_is_raised_as_its_stored_error(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["errored"])
    assert outcome.output.pop("message").startswith("{")
    assert outcome == Outcome(
        "SUCCESS",
        {"cause": "ERRORED", "stored": "not a number"},
        ["fails ERRORED"],
        {"run": 2, "fails": 1},
    )


def test_a_waiting_task_with_a_callback_url_is_completed_by_a_post(app: JsApp, runs: dict[str, str]) -> None:
    run = app.wait_for(runs["callback"], "WAITING_TO_CONTINUE")
    [task] = run["tasks"]
    assert task["status"] == "WAITING"
    url = app.provider.callback(task["id"])
    assert url.startswith(f"{app.platform.url}/api/v1/tasks/{task['id']}/callback/")

    assert httpx.post(f"{url}0", json={"wrong": True}, trust_env=False).status_code in (200, 404)
    assert app.get(f"/api/v2/runs/{runs['callback']}")["status"] == "WAITING_TO_CONTINUE"
    answer = httpx.post(url, json={"said": ["yes", None]}, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    expected = Outcome("SUCCESS", {"said": ["yes", None]}, ["answer COMPLETED"], {"run": 2, "callback": 1})
    assert app.finished(runs["callback"]) == expected

    assert httpx.post(url, json={"said": "more"}, trust_env=False).status_code == 200
    assert app.finished(runs["callback"]) == expected


def test_a_callback_may_come_before_the_executions_own_answer(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["early callback"]) == Outcome(
        "SUCCESS", {"early": True}, ["answer COMPLETED"], {"run": 2, "callback": 1}
    )


def test_a_callback_that_does_not_come_fails_the_task(app: JsApp, runs: dict[str, str]) -> None:
    message = '"Remote callback timeout - no requests received"'
    assert app.finished(runs["callback timeout"]) == Outcome(
        "SUCCESS", {"message": message, "status": "ERRORED"}, ["answer ERRORED"], {"run": 2, "callback": 1}
    )


def test_a_running_operation_ends_the_execution(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["operation"])
    assert outcome == Outcome("SUCCESS", {"nth": outcome.output["nth"]}, ["fetched COMPLETED"], {"run": 2})
    assert app.replies(runs["operation"]) == ["RESUME_WITH_TASK", "SUCCESS"]


def test_a_running_task_is_executed_and_its_subtasks_know_it(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["subtasks"]) == Outcome(
        "SUCCESS",
        {"parentKnown": True},
        ["outer COMPLETED", "  log COMPLETED", "  inner COMPLETED"],
        {"run": 1, "outer": 1, "inner": 1},
    )


def test_a_failed_subtask_is_not_tried_again_by_its_parents_retry(app: JsApp, runs: dict[str, str]) -> None:
    """The parent is, once: in that execution the subtask's stored error fails it for good."""
    outcome = app.finished(runs["subtask fails"])
    assert "deep inside" in outcome.output["message"]
    assert (outcome.status, outcome.tasks) == ("FAILURE", ["outer ERRORED", "  inner ERRORED"])
    assert outcome.calls == {"run": 2, "outer": 2, "inner": 1}


def test_an_error_handler_decides_whether_and_when_a_task_is_tried_again(
    app: JsApp, runs: dict[str, str]
) -> None:
    assert app.finished(runs["error handler"]) == Outcome(
        "SUCCESS",
        {"skipped": 1, "attempts": 2},
        ["skipped COMPLETED", "gives up ERRORED", "later COMPLETED"],
        {"run": 2, "skipped": 1, "gives up": 1, "later": 2},
    )


def test_try_lets_the_sdks_signals_pass(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["try"]) == Outcome(
        "SUCCESS", {"caught": "caught"}, ["a second COMPLETED", "fails ERRORED"], {"run": 2, "fails": 1}
    )


def test_a_task_keeps_how_it_is_drawn(app: JsApp, runs: dict[str, str]) -> None:
    app.finished(runs["properties"])
    [task] = app.run(runs["properties"])["tasks"]
    assert (task["name"], task["icon"], task["params"], task["output"]) == ("Drawn task", "bell", {"a": 1}, 1)
    assert ABSENT not in task.values()
