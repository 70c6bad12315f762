"""A GitHub issue opens; the job waits, looks again, posts to Slack and assigns someone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from examples.github_reminder.demo_system import ReminderSystem
from tests.support.waiting import eventually

from .conftest import running

ISSUES = "/repos/acme/site/issues"


@pytest.fixture(scope="module")
def system(database_url: str) -> Iterator[ReminderSystem]:
    with running(database_url, delay_s=1.5) as system:
        yield system


def calls_about(system: ReminderSystem, number: int) -> list[str]:
    """What the app called about an issue."""
    about_it = [call.name for call in system.github.calls() if f"{ISSUES}/{number}" in call.path]
    return about_it + [
        call.name for call in system.slack.calls() if f"/issues/{number}|" in str(call.body.get("text"))
    ]


def handled_deliveries(system: ReminderSystem, guid: str, count: int) -> list[dict[str, Any]]:
    """What was made of GitHub's delivery of this id; waits until it has come ``count`` times."""

    def look() -> list[dict[str, Any]]:
        rows = system.views.rows(
            "select status, response from perdure_views.deliveries where kind = 'SOURCE_REQUEST'"
            " and request -> 'headers' ->> 'x-github-delivery' = %s and status <> 'PENDING' order by id",
            guid,
        )
        return rows if len(rows) == count else []

    return eventually(look, what=f"the handling of {count} deliveries {guid}")


def test_an_issue_without_activity_is_reminded_of_and_assigned(system: ReminderSystem) -> None:
    number, delivery = system.open_issue("The front page is blank")
    assert delivery["status_code"] == 200
    run_id = system.wait_for_run(delivery["guid"])
    waiting = system.wait_for_run_to_be(
        run_id, lambda run: run.status == "WAITING_TO_CONTINUE", what="the wait"
    )
    (wait,) = waiting.tasks
    assert wait.status == "WAITING"
    assert wait.delay_until is not None
    run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
    assert (run.status, run.output) == ("SUCCESS", "reminded")
    assert [task.status for task in run.tasks] == ["COMPLETED"] * 4
    assert [execution.outcome for execution in run.executions] == ["RESUME_WITH_TASK", "SUCCESS"]
    assert calls_about(system, number) == [
        f"GET {ISSUES}/{number}",
        f"POST {ISSUES}/{number}/assignees",
        "POST /api/chat.postMessage",
    ]
    assert [user["login"] for user in system.github.issue(number)["assignees"]] == ["matt"]


def test_an_issue_with_activity_is_left_alone(system: ReminderSystem) -> None:
    number, delivery = system.open_issue("The footer is crooked")
    system.github.comment(number, "I am on it.")
    run_id = system.wait_for_run(delivery["guid"])
    run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
    assert (run.status, run.output) == ("SUCCESS", "active")
    assert calls_about(system, number) == [f"GET {ISSUES}/{number}"]


def test_a_delivery_that_comes_twice_starts_one_run(system: ReminderSystem) -> None:
    number, delivery = system.open_issue("Nobody can log in")
    run_id = system.wait_for_run(delivery["guid"])
    system.github.redeliver(delivery)
    handled = handled_deliveries(system, delivery["guid"], 2)
    assert [row["status"] for row in handled] == ["DELIVERED", "DELIVERED"]
    assert system.runs_of_event(delivery["guid"]) == [run_id]
    run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
    assert run.status == "SUCCESS"
    assert calls_about(system, number).count("POST /api/chat.postMessage") == 1


@pytest.mark.parametrize("signature", ["sha256=" + "0" * 64, None])
def test_a_delivery_that_is_not_signed_rightly_starts_nothing(
    system: ReminderSystem, signature: str | None
) -> None:
    guid = f"forged-{signature is None}"
    headers = {"x-github-event": "issues", "x-github-delivery": guid, "content-type": "application/json"}
    if signature is not None:
        headers["x-hub-signature-256"] = signature
    answer = httpx.post(system.webhook_url, content=b'{"action": "opened"}', headers=headers, trust_env=False)
    assert answer.status_code == 200  # it is kept first, and looked at by the app
    (handled,) = handled_deliveries(system, guid, 1)
    assert (handled["status"], handled["response"]["status"]) == ("DELIVERED", 401)
    assert system.views.rows("select 1 from perdure_views.events where event_id = %s", guid) == []
