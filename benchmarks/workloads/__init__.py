"""The workloads, a module each."""

from benchmarks.workload import Workload

from . import asleep, fanout, growth, idle, latency, long_run, noop, sleepers, soak, steps

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        noop.WORKLOAD,
        steps.WORKLOAD,
        latency.WORKLOAD,
        idle.WORKLOAD,
        long_run.WORKLOAD,
        sleepers.WORKLOAD,
        asleep.WORKLOAD,
        fanout.WORKLOAD,
        growth.WORKLOAD,
        soak.WORKLOAD,
        soak.WITH_SNAPSHOT,
    )
}
