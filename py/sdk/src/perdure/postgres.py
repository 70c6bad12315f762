"""Direct mode: an app on Perdure's Postgres talks to it in its own transactions. Extra ``postgres``."""

from __future__ import annotations

try:
    from perdure_postgres import DirectModeError, Enqueued
    from perdure_postgres.enqueue import AsyncTransaction as AsyncTransaction
    from perdure_postgres.enqueue import EventOptions as EventOptions
    from perdure_postgres.enqueue import ManyEventsOptions as ManyEventsOptions
    from perdure_postgres.enqueue import StartOptions as StartOptions
    from perdure_postgres.enqueue import enqueue_event as enqueue_event
    from perdure_postgres.enqueue import enqueue_events as enqueue_events
    from perdure_postgres.enqueue import enqueue_job as enqueue_job
    from perdure_postgres.transactions import OutcomeOpen as OutcomeOpen
    from perdure_postgres.transactions import TaskTransaction as TaskTransaction
except ModuleNotFoundError as error:
    if error.name != "perdure_postgres":
        raise
    raise ImportError('direct mode needs its extra: pip install "perdure[postgres]"') from error

__all__ = ["DirectModeError", "Enqueued"]
