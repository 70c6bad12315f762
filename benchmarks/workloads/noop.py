"""No-op runs: enqueued by the client in batches and executed meanwhile."""

from __future__ import annotations

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Workload

RUNS = 40_000
"""A drain of a few seconds, of which the beginning and the end, where nothing is full, are hardly a part."""
WARM_UP = 2_000


def turn(stage: Stage) -> list[Figures]:
    """Enqueue and drain."""
    stage.drain("noop", stage.scaled(WARM_UP))
    count = stage.scaled(RUNS)
    with stage.measured() as usage:
        stage.drain("noop", count)
    return [usage.figures("", {"runs/s": count / usage.wall_s}, "run", count)]


WORKLOAD = Workload("noop", f"{RUNS:,} no-op runs, enqueue + drain, client batching", turn)
