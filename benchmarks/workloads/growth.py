"""More dispatchers and app processes: is throughput lost to contention?"""

from __future__ import annotations

from benchmarks.workload import Variant, Workload

from . import noop

_SIZES = ((1, 1), (2, 1), (4, 1), (1, 2), (2, 2), (1, 4), (4, 4))

WORKLOAD = Workload(
    "growth",
    f"{noop.RUNS:,} no-op runs with 1 to 4 dispatchers and app processes",
    noop.turn,
    variants=[
        Variant(f"{dispatchers} × {apps}", {"dispatchers": dispatchers, "apps": apps})
        for dispatchers, apps in _SIZES
    ],
    only=("perdure-http",),
)
