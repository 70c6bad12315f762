"""The host ends functions of the app; the platform learns how long they may live (protocol 6.4)."""

from __future__ import annotations

from typing import Any

from .outcome import Outcome
from .system import JsApp

FLOOR_MS = 10_000
CASES: dict[str, dict[str, Any]] = {
    "504": {"status": 504},
    "408": {"status": 408},
    "of Vercel": {"status": 500, "headers": {"x-vercel-error": "FUNCTION_INVOCATION_TIMEOUT"}},
    "of Cloudflare": {"status": 503, "body": "Worker exceeded resource limits", "headers": {"cf-ray": "1"}},
}


def test_a_timeout_of_the_host(own_app: JsApp) -> None:
    app = own_app
    started = {
        name: app.start("limits.interrupted", {"times": 1, **answer}) for name, answer in CASES.items()
    }
    stuck = app.start("limits.interrupted", {"times": 9, **CASES["504"]})
    for name, run_id in started.items():
        outcome = app.finished(run_id)
        assert outcome == Outcome(
            "SUCCESS",
            FLOOR_MS - 350,
            ["progress COMPLETED", "cut off COMPLETED"],
            {"run": 2, "progress": 1, "cut off": 2},
        ), name
        assert [e["verdict"] for e in app.platform.views.executions(run_id)] == ["FUNCTION_TIMEOUT", "REPLY"]

    outcome = app.finished(stuck)
    assert (outcome.status, outcome.calls) == ("TIMED_OUT", {"run": 2, "progress": 1, "cut off": 2})
    assert outcome.tasks == ["progress COMPLETED", "cut off CANCELED"]
    assert "Long task" in outcome.output["message"]
