"""Python's garbage collector, set for a process that lives long and leaves it little to do."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # before it looks for garbage among them; Python's own number is 700


def spare_collector() -> None:
    """Keep the collector from what was imported, and call it less often: called when a process has started.

    Else sixty thousand objects of modules and models are looked through again and again (ADR 0045).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
