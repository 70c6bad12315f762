"""One event that starts the runs of many jobs; many events in one call."""

from __future__ import annotations

from benchmarks.stage import Figures, Stage
from benchmarks.systems.perdure import FAN_OUT, PerdureHttp
from benchmarks.workload import Variant, Workload

EVENTS = 10_000


def turn(stage: Stage) -> list[Figures]:
    """The call alone, in which the runs are made, and until all of them have ended."""
    system = stage.system
    assert isinstance(system, PerdureHttp)
    stage.drain("noop", 100)
    figures = []
    count = stage.scaled(EVENTS)
    for case, runs, start in (
        (f"1 event, {FAN_OUT:,} runs", FAN_OUT, system.fan_out),
        (f"{count:,} events, 1 call", count, lambda first: system.trigger_at_once(first, count)),
    ):
        with stage.measured() as usage:
            batch = stage.begin(runs, start)
            stage.finish(batch)
        stored_s = (batch.stored_ns - batch.begun_ns) / 1e9
        results = {"runs made/s": runs / stored_s, "runs ended/s": runs / usage.wall_s}
        results |= {"ms of the call": stored_s * 1000, "transactions": system.instants_of(batch)}
        figures.append(usage.figures(case, results, "run", runs))
    return figures


WORKLOAD = Workload(
    "fanout",
    f"one event that starts the runs of {FAN_OUT:,} jobs; {EVENTS:,} events in one call",
    turn,
    variants=(Variant(f"app of {FAN_OUT:,} jobs", {"fan_out": True}),),
    only=("perdure-http",),
)
