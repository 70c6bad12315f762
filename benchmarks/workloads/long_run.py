"""One run of many steps: does a step cost more the more came before? And a wait after them."""

from __future__ import annotations

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Workload

STEPS = (100, 300, 1000, 3000)
WAIT_S = 2.0
PATIENCE_S = 150.0
"""A run that by the last one's time would take longer, if steps cost more and more, is left out."""


def turn(stage: Stage) -> list[Figures]:
    """A run for each number of steps, then one that waits after the last number."""
    stage.drain("steps", 5, steps=20)
    figures: list[Figures] = []
    done, took_s = 0, 0.0
    for steps in [stage.scaled(steps) for steps in STEPS]:
        expected_s = took_s * (steps / done) ** 2 if done else 0.0
        if expected_s > PATIENCE_S:
            stage.notes.append(f"{steps} steps and more: {done} took {took_s:.1f} s")
            return figures
        with stage.measured() as usage:
            stage.drain("steps", 1, steps=steps)
        done, took_s = steps, usage.wall_s
        results = {"s": took_s, "ms/step": took_s * 1000 / steps}
        figures.append(usage.figures(f"{steps} steps", results, "step", steps))
    figures.append(wait_after(stage, done))
    return figures


def wait_after(stage: Stage, steps: int) -> Figures:
    """How long after the end of a wait the next line comes, with steps before it that are not done again."""
    with stage.measured() as usage:
        batch = stage.drain("sleep", 1, steps=steps, wait_s=WAIT_S)
    before, after = (stage.marks.seen[number][0] / 1e9 for number in (-batch.first, batch.first))
    results = {"s": usage.wall_s, "ms to resume": (after - before - WAIT_S) * 1000}
    return usage.figures(f"{steps} steps, a wait", results, "step", steps)


WORKLOAD = Workload("long_run", f"one run of {', '.join(map(str, STEPS))} steps", turn, limit_s=600)
