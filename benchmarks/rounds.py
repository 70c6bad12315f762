"""Workloads in rounds: within a round every system has its turn, one after the other, in changing order."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .marks import MarkReader
from .stage import Figures, Stage
from .system import Place, System
from .workload import DEFAULT_ROUNDS, Variant, Workload


@dataclass(slots=True)
class Contender:
    """A system in a variant, and what was measured of it."""

    label: str
    settings: str
    rounds: list[list[Figures]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """What was not measured, and why."""

    def as_json(self) -> dict[str, Any]:
        """Everything, for the file."""
        rounds = [[asdict(figures) for figures in round_] for round_ in self.rounds]
        return {"settings": self.settings, "rounds": rounds, "leftOut": self.left_out}


@dataclass(slots=True)
class _Entry:
    contender: Contender
    variant: Variant
    system: System | None
    """None: it gets no turn (any more)."""
    is_prepared: bool = False


class Rounds:
    """All workloads of a command. A system without a variant keeps its data from workload to workload.

    Args:
        folder: for the files of the systems, on a real disk.
        tools: where the peers are installed.
        scale: factor for all counts.
    """

    def __init__(self, folder: Path, tools: Path, chosen: Sequence[type[System]], *, scale: float) -> None:
        self._folder = folder
        self._tools = tools
        self._chosen = chosen
        self._scale = scale
        folder.mkdir(parents=True, exist_ok=True)
        self._marks_path = folder / "marks"
        self._marks = MarkReader(self._marks_path)
        self._made: dict[str, System] = {}
        self._taken = 0

    def run(self, workload: Workload, rounds: int | None) -> list[Contender]:
        """Measure one workload; None: in as many rounds as it wants."""
        entries = [entry for kind in self._chosen for entry in self._enter(workload, kind)]
        with ExitStack() as stack:
            for entry in entries:
                if entry.system and entry.variant.label:
                    stack.callback(self._discard, entry.contender.label)
            for number in range(rounds or workload.rounds or DEFAULT_ROUNDS):
                shift = number % len(entries)
                for entry in entries[shift:] + entries[:shift]:
                    self._turn(workload, entry, number)
        return [entry.contender for entry in entries]

    def close(self) -> None:
        """Remove the files of all systems."""
        for label in list(self._made):
            self._discard(label)
        self._marks_path.unlink(missing_ok=True)

    def _enter(self, workload: Workload, kind: type[System]) -> list[_Entry]:
        """An entry for each variant, or one that says why there is none."""
        reason = kind.unavailable(self._tools) or kind.lacks.get(workload.name)
        if workload.only and kind.name not in workload.only:
            reason = f"this workload is about {', '.join(workload.only)}"
        if reason:
            return [_Entry(Contender(kind.name, "", left_out=[reason]), workload.variants[0], None)]
        return [self._entry(kind, variant) for variant in workload.variants]

    def _entry(self, kind: type[System], variant: Variant) -> _Entry:
        label = f"{kind.name}, {variant.label}" if variant.label else kind.name
        if label not in self._made:
            folder = self._folder / "".join(letter if letter.isalnum() else "-" for letter in label)
            place = Place(folder, self._tools, self._marks_path)
            self._made[label] = kind(place, **variant.options)
        system = self._made[label]
        return _Entry(Contender(label, system.settings), variant, system)

    def _turn(self, workload: Workload, entry: _Entry, number: int) -> None:
        system = entry.system
        if system is None:
            return
        print(f"{workload.name}: round {number + 1}, {entry.contender.label}", file=sys.stderr, flush=True)
        try:
            system.start()
            try:
                stage = self._stage(system, workload)
                if not entry.is_prepared:
                    entry.variant.prepare(stage)
                    entry.is_prepared = True
                entry.contender.rounds.append(workload.turn(stage))
                entry.contender.left_out += [
                    note for note in stage.notes if note not in entry.contender.left_out
                ]
            finally:
                system.stop()
        except Exception as error:  # one system's trouble ends no benchmark of hours
            reason = f"round {number + 1} failed: {type(error).__name__}: {error}"
            print(f"  {reason}", file=sys.stderr, flush=True)
            entry.contender.left_out.append(reason)
            entry.system = None

    def _stage(self, system: System, workload: Workload) -> Stage:
        return Stage(
            system,
            self._marks,
            scale=self._scale,
            limit_s=workload.limit_s * max(1.0, self._scale),
            take_numbers=self._take_numbers,
        )

    def _take_numbers(self, count: int) -> int:
        first = self._taken + 1
        self._taken += count
        return first

    def _discard(self, label: str) -> None:
        self._made.pop(label).delete()


def cases_of(contender: Contender) -> list[str]:
    """The cases that were measured at least once, in their order."""
    return list(dict.fromkeys(figures.case for figures in itertools.chain.from_iterable(contender.rounds)))
