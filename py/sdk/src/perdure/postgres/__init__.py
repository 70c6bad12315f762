"""Direct mode: an app on Perdure's Postgres talks to it in its own transactions. Extra ``postgres``."""

from __future__ import annotations

from perdure.postgres.enqueue import Enqueued
from perdure.postgres.errors import DirectModeError

__all__ = ["DirectModeError", "Enqueued"]
