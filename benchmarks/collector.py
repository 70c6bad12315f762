"""Python's garbage collector, set the same way in every program of the benchmarks.

Standard library only: the programs of other systems import it in an environment of their own.
"""

from __future__ import annotations

import gc


def spare_collector() -> None:
    """Leave what was imported out of collections, and collect less often; called by a program that begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
