"""Starts the runs of all cases at once, and brings all to an end: time is skipped, never waited for."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from .define import Case
from .system import Host, Platform, Told

FINAL = {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}
_TOGETHER = timedelta(seconds=60)
"""What is due within such a time of each other is due at once, as it began at the same time."""
_PATIENCE_S = 60.0
_POLL_S = 0.05

_RUNS = """
select id, environment_id, job, event, status, output, execution_count, waits_until
from perdure_views.runs
"""
_TASKS = """
select run_id, id, parent_id, coalesce(display_key, name) as key, status from perdure_views.tasks order by id
"""
_DELIVERIES = """
select min(due_at) filter (where not leased) as due_at, coalesce(bool_or(leased), false) as are_under_way
from perdure.deliveries
where status = 'PENDING' and kind not in ('INDEX', 'PROBE')
"""


@dataclass(frozen=True)
class Outcome:
    """How the run of a case ended."""

    run_id: str
    status: str
    output: Any
    tasks: list[str]
    executions: int
    told: Told
    requests: int


class _Stuck(Exception):
    """Something goes on and on, or never begins."""


@dataclass
class _Run:
    """A run under way, as the steps of its case see it."""

    run_id: str
    api: httpx.Client
    platform: Platform
    steps_left: list[Any]

    def last_seen(self, what: str) -> Any:
        return self.platform.told()[self.run_id].seen[what][-1]


class Results(dict[tuple[str, str, str], Outcome]):
    """By host, flavour and case."""

    stuck = ""
    """What kept the runs from coming to an end."""


def run_all(platform: Platform, hosts: Mapping[Host, Sequence[Case]]) -> Results:
    """Send every case's event, wait until all runs have ended, and tell how."""
    by_event: dict[tuple[str, str], tuple[Host, Case]] = {}
    for host, cases in hosts.items():
        for case in cases:
            by_event[host.environment_id, event_id(host, case)] = host, case
        host.send([{"name": case.event, "id": event_id(host, case), **case.sent} for case in cases])
    stuck = ""
    try:
        _drive(platform, by_event)
    except _Stuck as error:  # the tests of these cases fail, those of others need not
        stuck = str(error)
    results = _outcomes(platform, by_event)
    results.stuck = stuck
    return results


def event_id(host: Host, case: Case) -> str:
    """Of the event that starts a case."""
    return f"{host.name} {case.job_id}"


def _drive(platform: Platform, by_event: Mapping[tuple[str, str], tuple[Host, Case]]) -> None:
    under_way: dict[str, _Run] = {}
    while True:
        rows = _quiet(platform, by_event)
        unfinished = [row for row in rows if row.status not in FINAL]
        if not unfinished and _next_delivery(platform) is None:
            return
        for row in unfinished:
            host, case = by_event.get((row.environment_id, row.event), (None, None))
            if host is not None and case is not None and row.job == case.job_id and row.id not in under_way:
                under_way[row.id] = _Run(row.id, host.api, platform, list(case.steps))
        waiting = [under_way[row.id] for row in unfinished if row.id in under_way]
        stepped = False
        for run in waiting:
            if run.steps_left:
                run.steps_left.pop(0)(run)
                stepped = True
        if not stepped:
            _skip_time(platform, unfinished)


def _quiet(platform: Platform, by_event: Mapping[tuple[str, str], tuple[Host, Case]]) -> list[Any]:
    """Wait until nothing goes on unless time passes; returns all runs."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        platform.family.check()
        rows = platform.database.rows(_RUNS)
        now = platform.database.value("select perdure.clock()")
        (deliveries,) = platform.database.rows(_DELIVERIES)
        started = {(row.environment_id, row.event) for row in rows}
        busy = [row for row in rows if _goes_on(row, now)]
        missing = [key for key in by_event if key not in started]
        delivering = deliveries.are_under_way or (deliveries.due_at is not None and deliveries.due_at <= now)
        if not busy and not missing and not delivering:
            return rows
        if time.monotonic() > give_up_at:
            raise _Stuck([(row.job, row.event, row.status) for row in busy], missing, deliveries)
        time.sleep(_POLL_S)


def _goes_on(row: Any, now: datetime) -> bool:
    if row.status in FINAL:
        return False
    if row.status == "WAITING_TO_CONTINUE" and row.waits_until is None:
        return False  # for something outside
    waits = row.status in ("WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE")
    return not waits or row.waits_until is None or row.waits_until <= now


def _skip_time(platform: Platform, unfinished: Sequence[Any]) -> None:
    now = platform.database.value("select perdure.clock()")
    due = [row.waits_until for row in unfinished if row.waits_until is not None]
    if delivery := _next_delivery(platform):
        due.append(delivery)
    if not due:
        raise _Stuck([(row.job, row.event, row.status) for row in unfinished])
    last = max(instant for instant in due if instant <= min(due) + _TOGETHER)
    platform.database.value("select perdure_test.advance(%s)", max(last - now, timedelta(0)))


def _next_delivery(platform: Platform) -> datetime | None:
    (deliveries,) = platform.database.rows(_DELIVERIES)
    due_at: datetime | None = deliveries.due_at
    return due_at


def _outcomes(platform: Platform, by_event: Mapping[tuple[str, str], tuple[Host, Case]]) -> Results:
    told = platform.told()
    trees: dict[str, dict[str | None, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for task in platform.database.rows(_TASKS):
        trees[task.run_id][task.parent_id].append(task)
    outcomes = Results()
    for row in platform.database.rows(_RUNS):
        host, case = by_event.get((row.environment_id, row.event), (None, None))
        if host is None or case is None or row.job != case.job_id:
            continue
        outcomes[host.name, case.flavour, case.name] = Outcome(
            row.id,
            row.status,
            row.output,
            _lines(trees[row.id], None, 0),
            row.execution_count,
            told[row.id],
            platform.requests[row.id] + told[row.id].shared_calls,
        )
    return outcomes


def _lines(tree: Mapping[str | None, Sequence[Any]], parent: str | None, depth: int) -> list[str]:
    lines = []
    for task in tree[parent]:
        lines.append(f"{'  ' * depth}{task.key} {task.status}")
        lines += _lines(tree, task.id, depth + 1)
    return lines
