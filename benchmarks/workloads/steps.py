"""Runs of ten steps, each step durable before the next."""

from __future__ import annotations

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Workload

RUNS = 800
STEPS = 10
WARM_UP = 100


def turn(stage: Stage) -> list[Figures]:
    """Enqueue and drain."""
    stage.drain("steps", stage.scaled(WARM_UP), steps=STEPS)
    runs = stage.scaled(RUNS)
    with stage.measured() as usage:
        stage.drain("steps", runs, steps=STEPS)
    return [usage.figures("", {"steps/s": runs * STEPS / usage.wall_s}, "step", runs * STEPS)]


WORKLOAD = Workload("steps", f"{RUNS:,} runs of {STEPS} steps", turn)
