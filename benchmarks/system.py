"""The interface between the harness and what it measures, implemented by a module in ``systems/`` for each.

The harness drives the workloads itself (``workloads/``), the same for all. A system only starts its
processes, starts runs, and says how many have ended. What the harness does, for each workload, in rounds,
the systems in turn within a round:

1. ``start()``: the system's own PostgreSQL (if it uses one), then ``launch()``. No other system's process
   runs. In the first turn of a command ``install()`` comes in between. Data stays until the command ends,
   so tables grow from round to round.
2. A warm-up, not measured: some runs of the same kind.
3. The measured part. The span is the same for all: it begins right before the first call that starts a run
   leaves the client, and ends when the last run has durably ended: all marks are there, then ``ended()``
   says so. CPU seconds (user + system) of every process of each role, with all its descendants, are read
   from ``/proc`` before and after, and so are statements, commits and WAL of the system's PostgreSQL.
4. ``stop()``.

**Roles**: ``client`` starts runs; ``app`` executes user code (a peer's worker); ``dispatcher`` and
``server`` are the system's own programs; ``postgres`` is everything below the postmaster. A system has the
ones that it has.

**User code.** Three jobs, defined by the system in the way its documentation recommends, async where it can
be, over ``benchmarks.marks.Marks``. The payload (input) is one JSON object, and the result is returned and
stored:

* ``noop``, ``{"n"}``: the first line is ``marks.mark(n)``; returns n.
* ``steps``, ``{"n", "steps"}``: as many durable steps, one after the other: a function that does nothing
  and returns its index, each stored durably before the next begins. Then ``marks.mark(n)``; returns n.
* ``sleep``, ``{"n", "steps", "wait_s", "until"}``: the steps as above, then ``marks.mark(-n)``, then a
  durable wait of ``wait_s`` seconds or, when that is null, until the instant ``until`` (seconds since
  1970), then ``marks.mark(n)``; returns n. The wait must take the run out of memory where the system can do
  that: a million of them are to sleep.

``n`` is unique within a command and at least 1.

**Workloads**, and what they ask of a system:

* ``noop``: ``trigger("noop", …)`` of all runs, while they are executed: rate, CPU a run.
* ``steps``: the same with ``steps`` of 10 steps, as many runs at a time as the system takes: steps/s, CPU a
  step.
* ``latency``: on an idle system ``trigger`` of one ``noop`` at a time, with pauses of random length
  between. From ``begun_ns`` to the mark: p50, p95, p99.
* ``idle``: nothing is done for some seconds: statements and CPU a second.
* ``long_run``: one run of ``steps`` with K steps, K growing: seconds, and the ratio of time a step. Then
  one of ``sleep`` with 3,000 steps and a short ``wait_s``: from the end of the wait to the line after it.
* ``sleepers``: ``sleep`` for a day, many: how fast they are parked (``asleep()``). ``sleep`` with the same
  ``until`` for all: wakes/s and lag.
* ``asleep``, ``fanout``, ``growth``, ``soak`` and ``soak_old_snapshot`` compare Perdure with itself: other
  systems need not mention them.

A workload that a system cannot do stands in ``lacks`` with the reason, which is printed. A system that is
not installed says so in ``unavailable``.
"""

from __future__ import annotations

import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from perdure_server.cli.local.processes import Child, Family

from .marks import VARIABLE
from .postgres import BenchPostgres
from .processes import family, kill_left
from .remote import Remote

ROOT = Path(__file__).resolve().parents[1]

CONCURRENCY = 50
"""Most runs at the same time, where a system can be told; one that does better otherwise may, and says so."""
HIGH_CONCURRENCY = 400
"""The same for those that do better with more."""
SLOTS = 2400
"""The same for Perdure, where what is on the way to an app and back counts as being executed."""

Role = Literal["client", "app", "dispatcher", "server", "postgres"]
JobName = Literal["noop", "steps", "sleep"]


@dataclass(frozen=True, slots=True)
class Place:
    """What the harness gives a system.

    Args:
        folder: the system's own, on a real disk; empty at the beginning of a command.
        tools: where ``make bench-setup`` installed the peers: ``venv/`` and ``node_modules/``; may be absent.
        marks: the file that ``Marks`` writes to; also in the variable ``BENCH_MARKS`` of every process.
    """

    folder: Path
    tools: Path
    marks: Path


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs that were started together.

    Args:
        first: the ``n`` of the first; the others follow.
        begun_ns: on the monotonic clock, right before the first call that starts a run.
        stored_ns: when the last of these calls was answered: everything was stored.
        begun_at: ``begun_ns`` in seconds since 1970.
    """

    job: JobName
    first: int
    count: int
    begun_ns: int
    stored_ns: int
    begun_at: float


class System(ABC):
    """One system under test. Used in the main thread; made once a command, started once a turn."""

    name: ClassVar[str]
    """In the table and on the command line: ``restate-stream``."""
    settings: str
    """One line for the reader: processes, concurrency, batch and pool sizes, what else was tuned."""
    uses_postgres: ClassVar[bool] = True
    """Whether ``self.postgres`` is wanted."""
    lacks: ClassVar[Mapping[str, str]] = {}
    """Workload → why the system cannot do it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.postgres = BenchPostgres(place.folder / "postgres") if self.uses_postgres else None
        self.family = Family(stop_timeout_s=10)
        self._children: list[tuple[Role, Child]] = []
        self._remotes: list[Remote] = []
        self._installed = False

    # What a system implements

    @classmethod
    def unavailable(cls, tools: Path) -> str | None:
        """Why it cannot be run on this machine, such as that it is not installed; None: it can."""
        return None

    def install(self) -> None:  # noqa: B027  # not every system has something to do
        """Make what lasts for all turns: a database, its tables. The PostgreSQL runs."""

    @abstractmethod
    def launch(self) -> None:
        """Start the processes with ``run`` and ``run_client``, and wait until runs can be started."""

    @abstractmethod
    def trigger(self, job: JobName, first: int, count: int, **payload: Any) -> Batch:
        """Start the runs ``first`` to ``first + count - 1`` as fast as the system's own client can.

        Done by the client process, in the client's own batches and with as many calls at a time as serves it
        best; one run is started by the call that a user would make for one. Returns when all are stored.

        Args:
            payload: goes into each run's payload beside ``n``; what is absent is null to the job.
        """

    @abstractmethod
    def ended(self, batch: Batch) -> int:
        """How many runs of a batch have durably ended with success.

        Asked every few milliseconds, but only once all marks are there. It may run one cheap statement over
        ``self.postgres.watcher``, whose backend counts for nothing, or ask the system's server.
        """

    @abstractmethod
    def asleep(self, batch: Batch) -> int:
        """How many runs of a batch are durably in their wait, out of memory where the system does that."""

    def park(self, first: int, count: int, **payload: Any) -> Batch:
        """Start runs of ``sleep`` to have many asleep, not measured: a system may take a short cut."""
        return self.trigger("sleep", first, count, **payload)

    # What it has from here

    def start(self) -> None:
        """Begin a turn."""
        self.place.folder.mkdir(parents=True, exist_ok=True)
        try:
            if self.postgres:
                self.postgres.start()
            if not self._installed:
                self.install()
                self._installed = True
            self.launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End a turn: no process of the system is left."""
        for remote in self._remotes:
            remote.close()
        processes = family(child.pid for child in self.children)
        self.family.close()
        kill_left(processes)
        self._remotes, self._children = [], []
        if self.postgres:
            self.postgres.stop()

    def delete(self) -> None:
        """Remove every file; not to be started again."""
        if self.postgres:
            self.postgres.delete()
        shutil.rmtree(self.place.folder, ignore_errors=True)

    @property
    def children(self) -> list[Child]:
        """The processes of this turn."""
        return [child for _role, child in self._children]

    def processes(self) -> dict[Role, list[int]]:
        """The process numbers of each role, without descendants."""
        pids: dict[Role, list[int]] = {}
        for role, child in self._children:
            pids.setdefault(role, []).append(child.pid)
        if self.postgres:
            pids["postgres"] = [self.postgres.postmaster_pid]
        return pids

    def run(
        self,
        role: Role,
        command: Sequence[str | Path],
        variables: Mapping[str, str] | None = None,
        *,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a process of the system. It is stopped at the end of the turn, and killed if we are.

        Args:
            variables: beside those of our own environment.
        """
        child = self.family.start(
            role,
            [str(word) for word in command],
            variables={**environment(), VARIABLE: str(self.place.marks), **(variables or {})},
            pass_fds=pass_fds,
        )
        self._children.append((role, child))
        return child

    def run_client(
        self, module: str, variables: Mapping[str, str] | None = None, *, python: str | Path = sys.executable
    ) -> Remote:
        """Start ``python -m module`` as the client; it answers calls with ``benchmarks.remote.serve``."""
        remote = Remote()
        self._remotes.append(remote)
        number = remote.theirs.fileno()
        self.run("client", [python, "-m", module, str(number)], variables, pass_fds=[number])
        return remote


def environment() -> dict[str, str]:
    """Our environment without settings of Perdure, and with this repository's folder to import from."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    return {**ours, "PYTHONPATH": str(ROOT)}
