"""What earlier executions have stored reaches the next one: values, cursor, no-ops and keys (protocol 5)."""

from __future__ import annotations

import hashlib

from .outcome import Outcome
from .system import JsApp, Runs

LARGE = 450_000  # characters: a dozen of them are more than one request carries

RUNS: Runs = {
    "values": ("cached.values", {}),
    "many": ("cached.many", {"count": 40, "size": 10}),
    "large": ("cached.many", {"count": 12, "size": LARGE}),
    "noops": ("cached.noops", {"lines": 60}),
    "keys": ("cached.keys", {}),
    "same key": ("cached.same-key", {}),
}


def test_cached_outputs_are_what_was_stored(app: JsApp, runs: dict[str, str]) -> None:
    keys = ["missing", "nothing", "zero", "text", "list"]
    assert app.finished(runs["values"]) == Outcome(
        "SUCCESS",
        [
            "missing: undefined",
            "nothing: null",
            "zero: 0",
            'text: "a\\u0000\\ud800b"',
            'list: [1,{"b":2,"a":1}]',
        ],
        [f"{key} COMPLETED" for key in keys],
        {"run": 2, **dict.fromkeys(keys, 1)},
    )


def test_cached_tasks_are_not_asked_for_again(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["many"])
    assert outcome == Outcome(
        "SUCCESS", {"length": 400}, [f"task {n} COMPLETED" for n in range(40)], {"run": 2, "task": 40}
    )
    assert app.requests(runs["many"]) == {"POST tasks": 40, "POST complete": 40}


def test_tasks_that_do_not_fit_come_by_cursor(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["large"])
    assert outcome == Outcome(
        "SUCCESS", {"length": 12 * LARGE}, [f"task {n} COMPLETED" for n in range(12)], {"run": 2, "task": 12}
    )
    requests = app.requests(runs["large"])
    assert requests["POST complete"] == 12
    assert 12 < requests["POST tasks"] < 12 + 4  # the first one behind the cut brings those that follow


def test_noops_are_never_mistaken_for_others(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["noops"])
    assert outcome.status == "SUCCESS"
    assert outcome.tasks == ["log COMPLETED"] * 60 + ["one second COMPLETED", "log COMPLETED"]
    assert outcome.calls == {"run": 2}
    [wait] = app.platform.views.rows(
        "select t.completed_at - t.started_at as duration from perdure_views.tasks as t"
        " where t.run_id = %s and t.name = 'wait'",
        runs["noops"],
    )
    assert wait["duration"].total_seconds() > 0.1  # what was left of the second when the wait was stored


def test_keys_are_derived_from_run_parent_and_cache_key(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["keys"])

    def key(*parts: str) -> str:
        return hashlib.sha256(":".join([runs["keys"], *parts]).encode()).hexdigest()

    found, nested = outcome.output["found"], outcome.output["nested"]
    assert found == [
        key("", "plain"),
        key("", "list", "1"),
        key("", "list", '{"a":[1],"b":2}'),
        key("", "list", '{"a":[1],"b":3}'),
    ]
    assert nested["key"] == key(nested["parent"], "plain")
    assert outcome.tasks == [
        "plain COMPLETED",
        *["Task COMPLETED"] * 3,
        "outer COMPLETED",
        "  plain COMPLETED",
    ]
    assert (outcome.status, outcome.calls) == ("SUCCESS", {"run": 2, "task": 5})


def test_a_key_may_occur_once_in_an_execution(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["same key"])
    assert "has already been executed in this run" in outcome.output
    assert (outcome.status, outcome.tasks, outcome.calls) == (
        "SUCCESS",
        ["same COMPLETED"],
        {"run": 1, "same": 1},
    )
