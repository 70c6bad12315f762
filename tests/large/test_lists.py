"""Every list query takes less than 50 ms on a million runs, inside of Postgres."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.large.conftest import Large
from tests.large.seed import NEEDLE, RUNS

LIMIT_MS = 50.0
TRIES = 10  # the best of them: others use the machine, too

MONTH = {"from": "2000-01-01T00:00:00Z"}

FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "of a job": {"job": "job-7"},
    "of a job that hardly ever runs": {"job": "rare"},
    "of no job": {"job": "nothing"},
    "of no version": {"version": "9.9.9"},
    "most statuses": {"status": ["SUCCESS"]},
    "failed": {"status": ["FAILURE", "TIMED_OUT", "ABORTED", "INVALID_PAYLOAD", "UNRESOLVED_AUTH"]},
    "the one that was aborted": {"status": ["ABORTED"]},
    "executing": {"status": ["EXECUTING"]},
    "a status that none has": {"status": ["PREPROCESSING"]},
    "a status that none of the job has": {"status": ["PREPROCESSING"], "job": "job-7"},
    "with a tag": {"tags": ["paid"]},
    "with a rare tag": {"tags": ["vip"]},
    "with both tags": {"tags": ["paid", "vip"]},
    "with a tag, in a status that none has": {"tags": ["paid"], "status": ["PREPROCESSING"]},
    "tests": {"isTest": True},
    "text in few payloads": {"text": NEEDLE},
    "text in no payload": {"text": "nobody wrote this"},
    "text that is not plain": {"text": "köln"},
    "an event's id": {"text": "order-500000"},
    "of a time": {"from": "2000-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"},
    "of a time, in a status that none has": {**MONTH, "status": ["PREPROCESSING"]},
}


def took_ms(large: Large, query: str, *parameters: Any) -> float:
    """How long Postgres takes for a query, planning included."""
    best = float("inf")
    for _ in range(TRIES):
        plan = large.db.value(f"explain (analyze, buffers, format json) {query}", *parameters)[0]
        best = min(best, plan["Planning Time"] + plan["Execution Time"])
        if best < LIMIT_MS / 2:
            break
    print(f"{best:6.1f} ms, {plan['Plan']['Shared Hit Blocks']} blocks: {query} {parameters}")
    return best


@pytest.mark.parametrize("name", FILTERS)
def test_runs_are_found(large: Large, name: str) -> None:
    query = "select perdure.find_runs(%s, %s)"
    assert took_ms(large, query, large.environment.id, json.dumps(FILTERS[name])) < LIMIT_MS


EVENT_FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "of a name": {"name": "event-7"},
    "of a rare name": {"name": "rare"},
    "of no name": {"name": "nothing"},
    "of names that begin so": {"name": "event-1*"},
    "of no name that begins so": {"name": "nothing*"},
    "of no source": {"source": "nothing"},
    "still to be delivered": {"state": "PENDING"},
    "canceled": {"state": "CANCELED"},
    "tests": {"isTest": True},
    "text in no payload": {"text": "nobody wrote this"},
    "text that is not plain": {"text": "köln"},
    "an event's id": {"text": "order-500000"},
    "of a time": {"from": "2000-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("name", EVENT_FILTERS)
def test_events_are_found(large: Large, name: str) -> None:
    query = "select perdure.find_events(%s, %s)"
    assert took_ms(large, query, large.environment.id, json.dumps(EVENT_FILTERS[name])) < LIMIT_MS


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("time", [{}, MONTH], ids=["a day", "all time"])
def test_runs_are_counted(large: Large, name: str, time: dict[str, str]) -> None:
    query = "select * from perdure.run_histogram(%s, %s)"
    document = json.dumps({**time, **FILTERS[name]})
    assert took_ms(large, query, large.environment.id, document) < LIMIT_MS


def test_one_failed_run_among_a_million_is_found_at_once(large: Large) -> None:
    found = large.db.call("find_runs", large.environment.id, {"status": ["ABORTED"], "job": "rare"})
    middle = [run for run in found["runs"] if run["event"]["id"] == "order-500000"]
    assert [run["status"] for run in middle] == ["ABORTED"]


def test_a_search_through_all_payloads_comes_to_its_end(large: Large) -> None:
    """As the page's script does it: on and on, each time from where the last one stopped."""
    cursor, found, looked_at = None, [], 0
    while True:
        page = large.db.call("find_runs", large.environment.id, {"text": NEEDLE}, cursor)
        found += [run["event"]["id"] for run in page["runs"]]
        looked_at += page["lookedAt"]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert found == ["order-500000"]
    assert looked_at >= RUNS


def test_pages_of_a_list_cost_the_same_however_deep(large: Large) -> None:
    deep = large.db.value(
        "select id from perdure.runs where environment_id = %s order by id offset 500000 limit 1",
        large.environment.id,
    )
    query = "select perdure.find_runs(%s, '{}', %s)"
    assert took_ms(large, query, large.environment.id, deep) < LIMIT_MS


LISTS = {
    "list_runs": "select perdure.list_runs(%(environment)s)",
    "list_runs by job": "select perdure.list_runs(%(environment)s, p_job => 'rare')",
    "list_runs by tag": "select perdure.list_runs(%(environment)s, p_tags => '{vip}')",
    "list_bulk_actions": "select perdure.list_bulk_actions(%(environment)s)",
    "list_audit_log": "select * from perdure.list_audit_log(%(organization)s)",
    "get_run": "select perdure.get_run(%(environment)s, %(run)s)",
}


@pytest.mark.parametrize("name", LISTS)
def test_other_lists(large: Large, name: str) -> None:
    values = {
        "environment": large.environment.id,
        "organization": large.office.people.organization,
        "run": large.run("FAILURE"),
    }
    query = LISTS[name]
    names = re.findall(r"%\((\w+)\)s", query)
    assert took_ms(large, re.sub(r"%\(\w+\)s", "%s", query), *(values[one] for one in names)) < LIMIT_MS
