"""The user code of the benchmarks on Perdure, connected: ``python -m benchmarks.systems.perdure_worker``."""

from __future__ import annotations

import uvloop

from benchmarks.collector import spare_collector
from benchmarks.system import SLOTS

from .perdure_app import app

if __name__ == "__main__":
    spare_collector()
    uvloop.run(app.connection(slots=SLOTS).run())
