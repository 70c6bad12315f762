"""Who is told that a run has ended (protocol 13).

Callbacks of tasks are in test_tasks, the callback of who invokes a job is in test_platform_calls.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.waiting import eventually

from .outcome import ABSENT
from .system import JsApp, Runs

KNOWN = [
    "completedAt",
    "environment",
    "executionCount",
    "executionDurationInMs",
    "isTest",
    "organization",
    "project",
]
KNOWN += ["startedAt", "updatedAt"]

RUNS: Runs = {
    "success": ("notifications.success", {"n": 1}),
    "failure": ("notifications.failure", {"n": 2}),
    "canceled": ("notifications.canceled", {"n": 3}),
    "stubborn": ("notifications.stubborn", {}),
}


def told(app: JsApp, run_id: str, listener: str) -> dict[str, Any]:
    """What a job's listener was told, once."""

    def look() -> dict[str, int]:
        return {what: count for what, count in app.notes(run_id).items() if what.startswith(f"{listener} ")}

    [(what, count)] = eventually(look, timeout_s=30, what=f"{listener} of {run_id}").items()
    assert count == 1
    text: dict[str, Any] = json.loads(what.removeprefix(f"{listener} "))
    return text


def test_success_is_told_once(app: JsApp, runs: dict[str, str]) -> None:
    run_id = runs["success"]
    app.wait_for(run_id, "SUCCESS")
    assert told(app, run_id, "onSuccess") == {
        "ok": True,
        "status": "SUCCESS",
        "output": {"n": 1},
        "statuses": [["progress", "success"]],
        "invocation": {"payload": {"n": 1}, "id": "string"},
        "job": {"id": "notifications.success", "version": "1.0.0"},
        "known": KNOWN,
    }
    eventually(lambda: app.notes(run_id)["client told of success"], what="the client's listener")
    assert app.notes(run_id)["client told of failure"] == 0
    assert app.notes(run_id)["run"] == 2


def test_failure_is_told_with_the_task(app: JsApp, runs: dict[str, str]) -> None:
    run_id = runs["failure"]
    app.wait_for(run_id, "FAILURE")
    assert told(app, run_id, "onFailure") == {
        "ok": False,
        "status": "FAILURE",
        "error": "broken",
        "task": {"name": "Task", "status": "ERRORED", "error": "broken"},
        "statuses": [],
        "invocation": {"payload": {"n": 2}, "id": "string"},
        "job": {"id": "notifications.failure", "version": "1.0.0"},
        "known": KNOWN,
    }
    eventually(lambda: app.notes(run_id)["client told of failure"], what="the client's listener")


def test_cancelling_is_told_as_failure(app: JsApp, runs: dict[str, str]) -> None:
    run_id = runs["canceled"]
    app.wait_for(run_id, "WAITING_TO_CONTINUE")
    app.call("client.cancelRun", run_id)
    notification = told(app, run_id, "onFailure")
    assert (notification["ok"], notification["status"]) == (False, "CANCELED")
    run = app.run(run_id)
    assert (run["status"], run.get("output", ABSENT)) == ("CANCELED", ABSENT)


def test_a_failing_listener_is_told_again(app: JsApp, runs: dict[str, str]) -> None:
    run_id = runs["stubborn"]
    eventually(lambda: app.notes(run_id)["told 3"], timeout_s=30, what="the third time")
    assert app.finished(run_id).status == "SUCCESS"
    assert {app.notes(run_id)[f"told {n}"] for n in (1, 2, 3)} == {1}
    assert app.notes(run_id)["run"] == 1
