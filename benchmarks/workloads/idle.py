"""What a system does while there is nothing to do."""

from __future__ import annotations

import time

from benchmarks.stage import Figures, Stage
from benchmarks.workload import Workload

SECONDS = 30
SETTLE_S = 3


def turn(stage: Stage) -> list[Figures]:
    """Do nothing."""
    stage.drain("noop", 10)
    time.sleep(SETTLE_S)
    with stage.measured() as usage:
        time.sleep(stage.scaled(SECONDS))
    results = {column: value for column, value in usage.per("s", usage.wall_s).items() if "/s" in column}
    return [usage.figures("", results, "s", usage.wall_s)]


WORKLOAD = Workload("idle", f"{SECONDS} s with nothing to do", turn)
