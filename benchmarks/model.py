"""A model of what larger machines carry: ``python -m benchmarks.model FIGURES.json``, by measured costs.

The law behind it: nothing carries more than the most loaded resource does. What a run needs of each
role's CPU and of the WAL is measured (``noop``, ``steps``). A Postgres of so many cores, busy to
``BUSY``, carries so many runs then, and the other roles, which are stateless, need so many cores. It
assumes that costs do not grow with the rate: true as long as nobody waits for a lock, which ``growth``
looks at. Batches that grow with the rate make it better.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from .measure import Row, number_text, print_table

DATABASE_CORES = (2, 8, 32)
BUSY = 0.7
_STATELESS = ("server", "dispatcher", "app")
_UNITS = {"noop": ("run", "runs/s"), "steps": ("step", "steps/s")}


def rows(benchmarks: dict[str, Any]) -> list[Row]:
    """What each system with a Postgres carries, for each size of that."""
    found: list[Row] = []
    for workload, (unit, column) in _UNITS.items():
        for system, measured in benchmarks.get(workload, {}).items():
            costs = [figures["costs"] for round_ in measured["rounds"] for figures in round_]
            if not costs or "postgres" not in costs[0]:
                continue
            median = {name: statistics.median(round_[name] for round_ in costs) for name in costs[0]}
            for cores in DATABASE_CORES:
                rate = cores * BUSY * 1000 / median["postgres"]
                row = {"system": system, "database cores": cores, "": column, "carried": number_text(rate)}
                row["WAL MB/s"] = number_text(rate * median[f"WAL bytes/{unit}"] / 1e6)
                row["commits/s"] = number_text(rate * median[f"commits/{unit}"])
                needed = {role: rate * median.get(role, 0) / 1000 / BUSY for role in _STATELESS}
                found.append(row | {f"{role} cores": number_text(needed[role]) for role in _STATELESS})
    return found


if __name__ == "__main__":
    document = json.loads(Path(sys.argv[1]).read_text())
    print_table(f"carried at {BUSY:.0%} busy, by measured costs", rows(document["benchmarks"]))
