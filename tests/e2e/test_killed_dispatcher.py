"""The dispatcher is killed with -9, twice; the run ends as if nothing had happened."""

from __future__ import annotations

from collections import Counter

from .conftest import running


def test_each_completed_task_is_called_once_though_the_dispatcher_dies_twice(own_database_url: str) -> None:
    with running(own_database_url, delay_s=3) as system:
        system.slack.hold_next("chat.postMessage")
        number, delivery = system.open_issue("The front page is blank")
        run_id = system.wait_for_run(delivery["guid"])

        system.wait_for_run_to_be(run_id, lambda run: run.status == "WAITING_TO_CONTINUE", what="the wait")
        system.kill_dispatcher()
        during = system.wait_for_run_to_be(run_id, lambda _run: bool(system.slack.calls()), what="the task")
        assert during.status == "EXECUTING"
        system.kill_dispatcher()
        system.slack.release()

        run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
        assert (run.status, run.output) == ("SUCCESS", "reminded")
        assert [execution.outcome for execution in run.executions] == [
            "RESUME_WITH_TASK",
            "LEASE_EXPIRED",
            "SUCCESS",
        ]
        assert len({execution.dispatcher for execution in run.executions}) == 3
        calls = Counter(call.name for call in (*system.github.calls(), *system.slack.calls()))
        issue = f"/repos/acme/site/issues/{number}"
        assert (calls[f"GET {issue}"], calls[f"POST {issue}/assignees"]) == (1, 1)
        assert calls["POST /api/chat.postMessage"] == 1
        assert system.views.rows("select * from perdure_views.dead_letters") == []
