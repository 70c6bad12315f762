"""Benchmarks of single parts: figures behind decisions in docs/adr/."""

from collections.abc import Callable

from benchmarks.measure import Row
from perdure_engine.embedded import EmbeddedPostgres

from . import hot_path, http_clients, lone_call, lone_step, queue_claim, waiting_runs

MICRO_BENCHMARKS: dict[str, Callable[[EmbeddedPostgres], list[Row]]] = {
    "queue_claim": queue_claim.run,
    "hot_path": hot_path.run,
    "waiting_runs": waiting_runs.run,
    "http_clients": http_clients.run,
    "lone_call": lone_call.run,
    "lone_step": lone_step.run,
}
