"""From the trigger to the first line of user code, on an idle system, one run at a time."""

from __future__ import annotations

import random
import time

from benchmarks.stage import Figures, Stage, percentiles
from benchmarks.workload import Workload

RUNS = 200
WARM_UP = 20
PAUSES_S = (0.02, 0.12)
"""Random between these, so that nobody's polling keeps step with us."""


def turn(stage: Stage) -> list[Figures]:
    """Run after run."""
    for _ in range(stage.scaled(WARM_UP)):
        start_one(stage)
    count = stage.scaled(RUNS)
    with stage.measured() as usage:
        delays_s = [start_one(stage) for _ in range(count)]
    return [usage.figures("", percentiles(delays_s, "ms", 1000), "run", count)]


def start_one(stage: Stage) -> float:
    """Seconds from the trigger of a run to its first line; then a pause."""
    batch = stage.trigger("noop", 1)
    stage.wait_for_marks([batch.first])
    time.sleep(random.uniform(*PAUSES_S))  # noqa: S311  # no secret
    return (stage.marks.seen[batch.first][0] - batch.begun_ns) / 1e9


WORKLOAD = Workload("latency", "trigger → first line of user code, idle system, one run at a time", turn)
