"""The user code of the benchmarks on Perdure, connected: ``python -m benchmarks.systems.perdure_worker``."""

from __future__ import annotations

import uvloop

from benchmarks.system import HIGH_CONCURRENCY

from .perdure_app import app

if __name__ == "__main__":
    uvloop.run(app.connection(slots=HIGH_CONCURRENCY).run())
