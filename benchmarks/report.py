"""Figures of a command as Markdown, for the docs: ``python -m benchmarks.report FIGURES.json …``."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .measure import Row, number_text, spread
from .workloads import WORKLOADS

_ROLES = ("app", "server", "dispatcher", "client", "postgres")
_NO_SPREAD = "of it full pages/"


def sections(benchmarks: dict[str, Any]) -> Iterator[str]:
    """A heading and a table for each benchmark; below it what was left out, with the reason."""
    for name, measured in benchmarks.items():
        about = f": {WORKLOADS[name].about}" if name in WORKLOADS else ""
        rows = measured if isinstance(measured, list) else list(_rows(measured))
        left_out = [] if isinstance(measured, list) else list(_left_out(measured))
        yield "\n".join([f"### `{name}`{about}", "", *_table(rows), *left_out, ""])


def _rows(measured: dict[str, Any]) -> Iterator[Row]:
    for system, contender in measured.items():
        cases: dict[str, list[dict[str, Any]]] = {}
        for round_ in contender["rounds"]:
            for figures in round_:
                cases.setdefault(figures["case"], []).append(figures)
        for case, rounds in cases.items():
            row: Row = {"system": f"`{system}`"} | ({"case": case} if case else {})
            for column, values in _columns([figures["results"] for figures in rounds]):
                row[column] = spread(values)
            costs = dict(_columns([figures["costs"] for figures in rounds]))
            parts = [
                f"{role} {number_text(statistics.median(costs.pop(role)))}"
                for role in _ROLES
                if role in costs
            ]
            for column, values in costs.items():
                if column in row or column.startswith(_NO_SPREAD):
                    continue
                is_cpu = column.startswith("CPU")
                row[column] = spread(values) if is_cpu else number_text(statistics.median(values))
                if is_cpu:
                    row["of it"] = ", ".join(parts)
            yield row


def _columns(rounds: list[dict[str, float]]) -> Iterable[tuple[str, list[float]]]:
    names = dict.fromkeys(name for round_ in rounds for name in round_)
    return [(name, [round_[name] for round_ in rounds if name in round_]) for name in names]


def _left_out(measured: dict[str, Any]) -> Iterator[str]:
    for system, contender in measured.items():
        for reason in contender["leftOut"]:
            if not reason.startswith("this workload is about"):
                yield f"\nLeft out: `{system}`: {reason}"


def _table(rows: list[Row]) -> Iterator[str]:
    columns = list(dict.fromkeys(column for row in rows for column in row if column != "rounds"))
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(str(row.get(column, '–')) for column in columns)} |"


def main() -> None:
    """Print what the files hold; of a benchmark in several files the last counts."""
    benchmarks: dict[str, Any] = {}
    for path in sys.argv[1:]:
        benchmarks |= json.loads(Path(path).read_text())["benchmarks"]
    print("\n".join(sections(benchmarks)), end="")


if __name__ == "__main__":
    main()
