"""What a workload is to the harness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .stage import Figures, Stage

DEFAULT_ROUNDS = 3


def _nothing(_stage: Stage) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Variant:
    """A system that is measured beside another one of its kind, in folders of their own.

    Args:
        label: in the table, after the system's name.
        options: arguments of the system, by name.
        prepare: done in its first turn, unmeasured.
    """

    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Stage], None] = _nothing


@dataclass(frozen=True, slots=True)
class Workload:
    """What is done in each turn.

    Args:
        about: one line.
        turn: warms up, measures, returns the figures of each case.
        variants: each system is measured in all of them, in turn.
        limit_s: seconds that a turn may take.
        rounds: unless the command says how many; None: DEFAULT_ROUNDS.
        only: the systems that it is about; empty: all.
    """

    name: str
    about: str
    turn: Callable[[Stage], list[Figures]]
    variants: Sequence[Variant] = (Variant(),)
    limit_s: float = 300.0
    rounds: int | None = None
    only: Sequence[str] = ()
