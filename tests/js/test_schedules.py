"""Schedules: declared by jobs and registered at run time (protocol 9). They tick while other tests run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.support.waiting import eventually

from .outcome import Outcome
from .system import JsApp, Runs

REGISTERED = {
    "type": "interval",
    "options": {"seconds": 20},
    "accountId": "acme",
    "metadata": {"of": "inside"},
}
RUNS: Runs = {
    "register": ("schedules.manage", {"action": "register", "key": "inside/a b", "schedule": REGISTERED})
}


def runs_of_job(app: JsApp, job: str, count: int, timeout_s: float) -> list[dict[str, Any]]:
    """Wait until a job has so many runs; returns them, oldest first."""

    def look() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = app.get(f"/api/v1/jobs/{job}/runs")["runs"][::-1]
        return runs if len(runs) >= count else []

    return eventually(look, timeout_s=timeout_s, what=f"{count} runs of {job}")


def tick(app: JsApp, job: str, timeout_s: float) -> dict[str, Any]:
    """The output of a job's first run."""
    run = runs_of_job(app, job, 1, timeout_s)[0]
    outcome = app.finished(run["id"])
    assert outcome == Outcome("SUCCESS", outcome.output)
    output: dict[str, Any] = outcome.output
    return output


def test_an_interval_ticks(app: JsApp) -> None:
    first, second = runs_of_job(app, "schedules.interval", 2, 60)[:2]
    ticks = [app.finished(run["id"]).output for run in (first, second)]
    assert [(tick["isDate"], tick["event"]) for tick in ticks] == [(True, "dev.trigger.scheduled")] * 2
    at, then = (datetime.fromisoformat(tick["ts"]) for tick in ticks)
    assert (then - at).total_seconds() == 20
    assert ticks[1]["lastTimestamp"] == ticks[0]["ts"]
    assert ticks[0]["source"]["id"] == "schedules.interval"


def test_a_cron_expression_ticks_on_the_minute(app: JsApp) -> None:
    output = tick(app, "schedules.cron", 75)
    at = datetime.fromisoformat(output["ts"])
    assert (at.second, at.microsecond) == (0, 0)
    assert output["source"]["id"] == "schedules.cron"


def test_a_dynamic_schedule_is_registered_inside_a_run_and_starts_all_jobs(
    app: JsApp, runs: dict[str, str]
) -> None:
    outcome = app.finished(runs["register"])
    schedule = {"type": "interval", "options": {"seconds": 20}}
    assert {name: outcome.output["schedule"][name] for name in schedule} == schedule
    assert (outcome.output["id"], outcome.output["active"]) == ("inside/a b", True)
    assert outcome.tasks == ["Register Schedule COMPLETED"]
    for job in ("schedules.attached", "schedules.attached-too"):
        output = tick(app, job, 40)
        assert output["source"] == {"id": "inside/a b", "metadata": {"of": "inside"}}
        assert output["account"] == "acme"


def test_a_dynamic_schedule_is_unregistered(app: JsApp, runs: dict[str, str]) -> None:
    app.finished(runs["register"])
    tick(app, "schedules.attached", 40)
    run_id = app.start("schedules.manage", {"action": "unregister", "key": "inside/a b"})
    assert app.finished(run_id) == Outcome("SUCCESS", {"ok": True}, ["Unregister Schedule COMPLETED"])
    schedules = app.platform.views.rows(
        "select s.active, s.due_at from perdure_views.schedules as s"
        " where s.key = %s and s.environment_id = %s",
        "inside/a b",
        app.project.environment_id,
    )
    assert [(schedule["active"], schedule["due_at"]) for schedule in schedules] == [(False, None)]


def test_a_dynamic_schedule_is_registered_outside_of_a_run(app: JsApp) -> None:
    key = f"outside-{uuid4().hex[:6]}"
    schedule = {"type": "cron", "options": {"cron": "*/5 * * * *"}}
    answer = app.call("client.registerSchedule", "schedules.dynamic", key, schedule)["value"]
    assert (answer["id"], answer["active"], answer["schedule"]["options"]) == (key, True, schedule["options"])
    changed = {"type": "interval", "options": {"seconds": 3600}}
    answer = app.call("client.registerSchedule", "schedules.dynamic", key, changed)["value"]
    assert answer["schedule"]["options"] == changed["options"]
    assert app.call("client.unregisterSchedule", "schedules.dynamic", key) == {"value": {"ok": True}}


@pytest.mark.parametrize("options", [{"seconds": 19}, {"seconds": 2_592_001}])
def test_an_interval_has_bounds(app: JsApp, options: dict[str, int]) -> None:
    body = {"id": "out of bounds", "type": "interval", "options": options}
    answer = app.api.post("/api/v1/js-app/schedules/schedules.dynamic/registrations", json=body)
    assert (answer.status_code, "seconds" in answer.json()["error"]) == (400, True)
