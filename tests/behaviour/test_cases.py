"""Every case ends as it says, in every kind of host, in async and in plain jobs."""

from __future__ import annotations

import pytest

from .define import Case
from .drive import Results
from .flavours import load_cases
from .host import HOSTS

CASES = load_cases()


def _parameters() -> list[object]:
    return [
        pytest.param(host, case, id=f"{host}-{case.flavour}-{case.name}")
        for host in HOSTS
        for case in CASES
        if not case.hosts or host in case.hosts
        if host != "old-platform" or case.flavour == "async"
    ]


def test_there_are_enough_cases() -> None:
    assert len({case.name for case in CASES}) >= 120


@pytest.mark.parametrize(("host", "case"), _parameters())
def test_case(results: Results, host: str, case: Case) -> None:
    outcome = results[host, case.flavour, case.name]
    output = outcome.output
    if outcome.status == "FAILURE" and isinstance(output, dict):
        output = f"{output.get('name')}: {output.get('message')}"
    assert output == case.output, output
    assert outcome.status == case.status
    in_order = sorted if case.in_any_order else list
    done, expected_tasks = outcome.tasks, list(case.tasks)
    if host == "old-platform":  # there a task that somebody else ends is told to them by one within it
        done, expected_tasks = [[t for t in tasks if "  tell " not in t] for tasks in (done, expected_tasks)]
    assert in_order(done) == in_order(expected_tasks), "\n".join(outcome.tasks)
    calls = {part: outcome.told.calls[part] for part in case.calls}
    assert calls == dict(case.calls)
    for what, expected in case.seen.items():
        assert outcome.told.seen[what] == expected
    if case.executions is not None:
        assert outcome.executions == case.executions
    if case.requests is not None and host not in ("old-platform", "connected"):  # the log shows them no calls
        assert outcome.requests == case.requests


def test_everything_came_to_an_end(results: Results) -> None:
    assert results.stuck == ""
