"""Throughput with many runs asleep in the database, against none: pairs in turn."""

from __future__ import annotations

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Variant, Workload

from .sleepers import A_DAY_S

SLEEPERS = 1_000_000
SECONDS = 20.0
FINISHED = 2000


def park_all(stage: Stage) -> None:
    """Let them sleep, all of them before anything is measured; and tidy up, which a million rows call for."""
    stage.park(stage.scaled(SLEEPERS), wait_s=A_DAY_S)
    assert stage.system.postgres
    stage.system.postgres.watcher.execute("vacuum analyze")


def turn(stage: Stage) -> list[Figures]:
    """Drain for about SECONDS: as many runs as the warm-up's rate says."""
    with stage.measured() as warm_up:
        stage.drain("noop", FINISHED)
    count = stage.scaled(round(FINISHED / warm_up.wall_s * SECONDS))
    with stage.measured() as usage:
        stage.drain("noop", count)
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
