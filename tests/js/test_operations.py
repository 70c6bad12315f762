"""Requests that the platform makes for a run: fetch, fetch-response, fetch-poll (protocol 4.9)."""

from __future__ import annotations

import json
from typing import Any

from .outcome import Outcome
from .system import JsApp, Runs

BACKOFF = {"limit": 3, "factor": 1, "minTimeoutInMs": 100, "maxTimeoutInMs": 200, "randomize": False}
FORMATS = ["unix_timestamp", "unix_timestamp_in_ms", "iso_8601", "iso_8601_duration_openai_variant"]


def limited(form: str) -> dict[str, Any]:
    """Come again when the provider's headers say so."""
    headers = {"limitHeader": "x-limit", "remainingHeader": "x-remaining", "resetHeader": "x-reset"}
    return {"strategy": "headers", **headers, "resetFormat": form}


def fetch(path: str, **options: Any) -> tuple[str, Any]:
    """A run that lets the platform fetch something."""
    return "operations.fetch", {"path": path, **options}


RUNS: Runs = {
    "json": fetch("/json?a=1", request={"method": "PUT", "headers": {"x-a": "b"}, "body": "[1]"}),
    "text": fetch("/text"),
    "refused": fetch("/refused"),
    "broken": fetch("/broken"),
    "backoff": fetch("/flaky?fails=2&key={version}", retry={"500-599": {"strategy": "backoff", **BACKOFF}}),
    "exhausted": fetch("/broken?status=502", retry={"5xx": {"strategy": "backoff", **BACKOFF, "limit": 2}}),
    "other pattern": fetch("/broken?status=418", retry={"500-599,429": {"strategy": "backoff", **BACKOFF}}),
    "body filter": fetch(
        "/flaky?fails=1&state=busy&status=409&key={version}",
        retry={"40x": {"strategy": "backoff", "bodyFilter": {"state": ["busy"]}, **BACKOFF}},
    ),
    "body filter misses": fetch(
        "/flaky?fails=1&state=gone&status=409&key={version}",
        retry={"all": {"strategy": "backoff", "bodyFilter": {"state": ["busy"]}, **BACKOFF}},
    ),
    "timeout": fetch("/slow?seconds=3", timeout={"durationInMs": 1000}),
    "timeout retried": fetch(
        "/slow?seconds=2&key={version}", timeout={"durationInMs": 1000, "retry": {**BACKOFF, "limit": 2}}
    ),
    "response": ("operations.response", {"path": "/json?b=2"}),
    "redacted": ("operations.redacted", {}),
    "poll": (
        "operations.poll",
        {
            "path": "/poll?until=2&key={version}",
            "interval": 10,
            "responseFilter": {"status": [200], "body": {"state": ["done"]}},
        },
    ),
    "poll in vain": (
        "operations.poll",
        {
            "path": "/poll?until=99&key={version}",
            "interval": 10,
            "timeout": 30,
            "responseFilter": {"body": {"state": ["done"]}},
        },
    ),
    "parallel": ("operations.parallel", {}),
    **{
        f"limited {form}": fetch(f"/limited?format={form}&key={{version}}", retry={"429": limited(form)})
        for form in FORMATS
    },
}


def only(output: Any, status: str = "COMPLETED") -> Outcome:
    """A run of one request, met twice by user code: before and after."""
    return Outcome("SUCCESS", output, [f"request {status}"], {"run": 2})


def failed(output: Any) -> Outcome:
    """The same, when the request failed."""
    return only({"failed": output}, "ERRORED")


def attempts(app: JsApp, run_id: str) -> int:
    """How often the first task of a run was tried."""
    rows = app.platform.views.rows(
        "select t.attempt_count from perdure_views.tasks as t where t.run_id = %s order by t.id limit 1",
        run_id,
    )
    return int(rows[0]["attempt_count"])


def test_fetch_sends_the_request_and_gives_the_json(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["json"])
    assert outcome == only({"nth": outcome.output["nth"], "a": "1"})
    request = next(request for request in app.provider.received("/json") if request.path == "/json?a=1")
    assert (request.method, request.headers["x-a"], request.body) == ("PUT", "b", [1])


def test_fetch_gives_null_for_what_is_no_json(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["text"]) == only(None)


def test_fetch_fails_with_the_json_or_the_status(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["refused"]) == failed({"reason": "not for you"})
    assert app.finished(runs["broken"]) == failed({"message": "Fetch failed with status 500"})


def test_fetch_backs_off_by_status(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["backoff"])
    assert outcome == only({"nth": 3, "fails": "2", "key": app.version})
    assert attempts(app, runs["backoff"]) == 3


def test_fetch_gives_up_at_the_limit(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["exhausted"]) == failed({"message": "Fetch failed with status 502"})
    assert attempts(app, runs["exhausted"]) == 2


def test_fetch_is_not_tried_again_when_no_pattern_matches(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["other pattern"]) == failed({"message": "Fetch failed with status 418"})
    assert attempts(app, runs["other pattern"]) == 1


def test_fetch_is_tried_again_only_when_the_body_matches(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["body filter"])
    assert (outcome, outcome.output["nth"]) == (only(outcome.output), 2)
    assert app.finished(runs["body filter misses"]) == failed({"state": "gone"})


def test_fetch_waits_until_the_headers_reset(app: JsApp, runs: dict[str, str]) -> None:
    for form in FORMATS:
        run_id = runs[f"limited {form}"]
        assert app.finished(run_id) == only({"nth": 2, "format": form, "key": app.version})
        assert attempts(app, run_id) == 2, form
        first, second = [
            r for r in app.provider.received("/limited") if f"{form}&key={app.version}" in r.path
        ]
        assert second.at - first.at > 1, form


def test_fetch_times_out(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["timeout"]) == failed({"message": "Fetch timed out after 1000ms"})
    assert attempts(app, runs["timeout"]) == 1
    assert app.finished(runs["timeout retried"]) == failed({"message": "Fetch timed out after 1000ms"})
    assert attempts(app, runs["timeout retried"]) == 2


def test_fetch_response_gives_data_headers_and_status(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["response"])
    data = {"nth": outcome.output["data"]["nth"], "b": "2"}
    assert outcome == only({"data": data, "status": 200, "kind": "application/json"})


def test_redacted_parts_reach_the_provider_and_nobody_else(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["redacted"])
    assert outcome == only({"nth": outcome.output["nth"]})
    assert {r.headers["authorization"] for r in app.provider.received("/redacted")} == {
        "Bearer very-secret end"
    }
    assert "very-secret" not in json.dumps(app.run(runs["redacted"]))


def test_operations_in_parallel(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["parallel"]).in_any_order()
    children = ["  fetch a COMPLETED", "  fetch b COMPLETED", "  wait a COMPLETED", "  wait b COMPLETED"]
    assert outcome == Outcome("SUCCESS", ["a", "b"], [*children, "all COMPLETED"], outcome.calls)
    assert outcome.calls["run"] <= 5  # the fetches end apart from each other, and so do the waits


def test_poll_asks_until_the_response_matches(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["poll"])
    assert outcome == Outcome(
        "SUCCESS",
        {"state": "done", "nth": 2},
        ["poll COMPLETED", "  poll attempt COMPLETED", "  poll attempt COMPLETED"],
        {"run": 2},
    )
    [poll] = app.run(runs["poll"])["tasks"]
    assert [attempt["params"]["body"]["state"] for attempt in poll["subtasks"]] == ["running", "done"]


def test_poll_gives_up_at_its_timeout(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["poll in vain"], timeout_s=60)
    assert outcome.output == {"failed": {"message": "Task timed out after 30 seconds"}}
    assert (outcome.status, outcome.tasks[0], outcome.calls) == ("SUCCESS", "poll ERRORED", {"run": 2})
    assert 3 <= len(outcome.tasks[1:]) <= 4
