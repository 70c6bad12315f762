"""Direct mode, imported as ``perdure.postgres``: Perdure's SQL functions in the app's transactions."""

from __future__ import annotations

from perdure_postgres.enqueue import Enqueued
from perdure_postgres.errors import DirectModeError

__all__ = ["DirectModeError", "Enqueued"]
