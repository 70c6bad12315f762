"""Throughput with many runs asleep in the database, against none: pairs in turn."""

from __future__ import annotations

import time

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Variant, Workload

from .noop import RUNS, WARM_UP
from .sleepers import A_DAY_S

SLEEPERS = 1_000_000
SECONDS = 20.0


def park_all(stage: Stage) -> None:
    """Let them sleep, all of them before anything is measured; and tidy up, which a million rows call for."""
    stage.park(stage.scaled(SLEEPERS), wait_s=A_DAY_S)
    assert stage.system.postgres
    stage.system.postgres.watcher.execute("vacuum analyze")


def turn(stage: Stage) -> list[Figures]:
    """Drain again and again, for SECONDS at least."""
    stage.drain("noop", stage.scaled(WARM_UP))
    count = 0
    begun = time.monotonic()
    with stage.measured() as usage:
        while not count or time.monotonic() - begun < SECONDS * min(1.0, stage.scale):
            count += stage.drain("noop", stage.scaled(RUNS)).count
    return [usage.figures("", {"runs/s": count / usage.wall_s, "s": usage.wall_s}, "run", count)]


WORKLOAD = Workload(
    "asleep",
    f"no-op runs for {SECONDS:g} s, with 0 and {SLEEPERS:,} runs asleep",
    turn,
    variants=(Variant("0 asleep"), Variant("sleepers", prepare=park_all)),
    limit_s=7200,
    rounds=5,
    only=("perdure-http",),
)
