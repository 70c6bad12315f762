"""Runs that sleep: how fast they are parked, and how many wake a second when all are due at one instant."""

from __future__ import annotations

import time

from benchmarks.stage import Figures, OutOfTime, Stage, percentiles
from benchmarks.workload import Workload

PARKED = 2000
DUE_AT_ONCE = 5000
A_DAY_S = 86_400.0
_SLACK = 1.5
_LEAD_S = 5.0
_TRIES = 3


def turn(stage: Stage) -> list[Figures]:
    """Park some for a day, then some until one instant."""
    stage.sleep_through(stage.trigger("sleep", stage.scaled(100), wait_s=A_DAY_S))
    count = stage.scaled(PARKED)
    with stage.measured() as parking:
        stage.sleep_through(stage.trigger("sleep", count, wait_s=A_DAY_S))
    parked = parking.figures("parking", {"parked/s": count / parking.wall_s}, "run", count)
    return [parked, wake(stage, stage.scaled(DUE_AT_ONCE), parked_per_s=count / parking.wall_s)]


def wake(stage: Stage, count: int, *, parked_per_s: float) -> Figures:
    """Let runs be due at one instant, by which all of them sleep."""
    lead_s = _LEAD_S + _SLACK * count / parked_per_s
    for _ in range(_TRIES):
        until = time.time() + lead_s
        batch = stage.trigger("sleep", count, until=until)
        stage.sleep_through(batch, or_until=until)
        if time.time() < until:
            break
        stage.finish(batch)
        lead_s *= 2
    else:
        raise OutOfTime(f"{count} runs were not asleep by the instant when they were due, {_TRIES} times")
    time.sleep(max(0.0, until - time.time() - 0.5))
    with stage.measured() as usage:
        stage.finish(batch)
        took_s = time.time() - until
    lags_s = [stage.marks.seen[n][1] - until for n in range(batch.first, batch.first + count)]
    results = {"wakes/s": count / took_s} | percentiles(lags_s, "s of lag")
    return usage.figures(f"{count:,} due at once", results, "run", count)


WORKLOAD = Workload(
    "sleepers", f"{PARKED:,} runs parked; {DUE_AT_ONCE:,} due at one instant", turn, limit_s=600
)
