"""A turn of one system: runs are started and waited for, and what that cost is measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .marks import MarkReader
from .postgres import DatabaseWork, StatementWork
from .processes import cpu_seconds
from .system import Batch, JobName, Role, System

_POLL_S = 0.004
_KEPT_STATEMENTS = 12
_POLL_SHARE = 4
"""A look is made again after this many times what it took, so that looking costs little."""


class OutOfTime(RuntimeError):
    """Something did not happen within the turn's time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one case of a workload measured in one turn.

    Args:
        case: which of the workload's cases; empty when there is one only.
        results: what it is about, by column.
        costs: what it cost, by column.
        statements: what Postgres spent most of its time on.
    """

    case: str
    results: dict[str, float]
    costs: dict[str, float] = field(default_factory=dict)
    statements: list[StatementWork] = field(default_factory=list)


@dataclass(slots=True)
class Usage:
    """What a measured part took, complete when the part has ended."""

    wall_s: float = 0.0
    cpu_s: dict[Role, float] = field(default_factory=dict)
    database: DatabaseWork | None = None

    def figures(self, case: str, results: dict[str, float], unit: str, count: float) -> Figures:
        """The figures of a case, with the costs of one of ``count`` units."""
        statements = list(self.database.statements[:_KEPT_STATEMENTS]) if self.database else []
        return Figures(case, results, self.per(unit, count), statements)

    def per(self, unit: str, count: float) -> dict[str, float]:
        """The costs of one of ``count`` units: CPU by role in ms, statements, commits, bytes of WAL."""
        costs = {f"CPU ms/{unit}": sum(self.cpu_s.values()) * 1000 / count}
        costs |= {role: seconds * 1000 / count for role, seconds in self.cpu_s.items()}
        if self.database:
            calls = sum(statement.calls for statement in self.database.statements)
            costs[f"statements/{unit}"] = calls / count
            costs[f"commits/{unit}"] = self.database.commits / count
            costs[f"WAL bytes/{unit}"] = self.database.wal_bytes / count
            costs[f"of it full pages/{unit}"] = self.database.full_page_bytes / count
        return costs


class Stage:
    """One system, started, for one turn.

    Args:
        marks: of the file that the system's user code writes to.
        scale: factor for all counts.
        limit_s: seconds after which the turn is given up.
        take_numbers: gives the first of so many ``n``, unique within a command.
    """

    def __init__(
        self,
        system: System,
        marks: MarkReader,
        *,
        scale: float,
        limit_s: float,
        take_numbers: Callable[[int], int],
    ) -> None:
        self.system = system
        self.marks = marks
        self.notes: list[str] = []
        """What was left out of the turn, and why."""
        self.scale = scale
        self._deadline = time.monotonic() + limit_s
        self._take_numbers = take_numbers

    def scaled(self, count: int) -> int:
        """A count for this machine's patience."""
        return max(1, round(count * self.scale))

    def trigger(self, job: JobName, count: int, **payload: object) -> Batch:
        """Start runs; returns when they are stored."""
        return self.begin(count, lambda first: self.system.trigger(job, first, count, **payload))

    def begin(self, count: int, start: Callable[[int], Batch]) -> Batch:
        """Start ``count`` runs in a way of the system's own, which gets their first number."""
        self.marks.clear()
        return start(self._take_numbers(count))

    def finish(self, batch: Batch) -> None:
        """Wait until the runs of a batch have durably ended."""
        self.wait_for_marks(range(batch.first, batch.first + batch.count))
        self.wait(lambda: self.system.ended(batch) >= batch.count, f"the end of {batch.count} runs")

    def drain(self, job: JobName, count: int, **payload: object) -> Batch:
        """Start runs and wait until they have durably ended."""
        batch = self.trigger(job, count, **payload)
        self.finish(batch)
        return batch

    def park(self, count: int, **payload: object) -> None:
        """Have runs sleep in the way that is fastest for the system, where only their number matters."""
        batch = self.system.park(self._take_numbers(count), count, **payload)
        self.wait(lambda: self.system.asleep(batch) >= count, f"the sleep of {count} runs")

    def sleep_through(self, batch: Batch, *, or_until: float = float("inf")) -> None:
        """Wait until all runs of a batch are asleep, or until an instant, in seconds since 1970."""
        marks = {-n for n in range(batch.first, batch.first + batch.count)}

        def look() -> bool:
            if time.time() > or_until:
                return True
            self.marks.read()
            if not marks.isdisjoint(self.marks.seen) and not marks <= self.marks.seen.keys():
                return False  # some have not come to their wait: no need to ask
            return self.system.asleep(batch) >= batch.count

        self.wait(look, f"the sleep of {batch.count} runs")

    def wait_for_marks(self, numbers: Iterable[int]) -> None:
        """Wait until user code has marked all these numbers."""
        wanted = set(numbers)

        def look() -> bool:
            self.marks.read()
            return len(self.marks.seen) >= len(wanted) and wanted <= self.marks.seen.keys()

        self.wait(look, f"{len(wanted)} marks of user code")

    def wait(self, look: Callable[[], bool], what: str) -> None:
        """Look again and again until it is so.

        Raises:
            OutOfTime: the turn's time is over; with what the system's processes printed last.
            ChildDied: one of them has ended.
        """
        while True:
            begun = time.monotonic()
            if look():
                return
            self.system.family.check()
            if time.monotonic() > self._deadline:
                said = [
                    f"{child.name}: {line}" for child in self.system.children for line in child.lines[-5:]
                ]
                raise OutOfTime("\n    ".join([f"out of time while waiting for {what}", *said]))
            time.sleep(max(_POLL_S, _POLL_SHARE * (time.monotonic() - begun)))

    @contextmanager
    def measured(self) -> Iterator[Usage]:
        """Measure what happens within; the wall time begins and ends with it."""
        usage, postgres = Usage(), self.system.postgres
        before = postgres.counters() if postgres else None
        cpu_before = self._cpu_s()
        begun = time.monotonic()
        yield usage
        usage.wall_s = time.monotonic() - begun
        usage.cpu_s = {role: cpu_s - cpu_before.get(role, 0.0) for role, cpu_s in self._cpu_s().items()}
        if postgres and before:
            usage.database = postgres.work_between(before, postgres.counters())

    def _cpu_s(self) -> dict[Role, float]:
        watcher = [self.system.postgres.watcher_pid] if self.system.postgres else []
        return {role: cpu_seconds(pids, without=watcher) for role, pids in self.system.processes().items()}


def percentiles(values: Iterable[float], unit: str, scale: float = 1.0) -> dict[str, float]:
    """``p50``, ``p95`` and ``p99``, scaled."""
    ordered = [value * scale for value in values]
    cuts = statistics.quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    return {f"p{cut}, {unit}": cuts[cut - 1] for cut in (50, 95, 99)}
