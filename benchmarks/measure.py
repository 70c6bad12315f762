"""How all benchmarks print what they measured; the cost of single calls: CPU of a backend, WAL, buffers."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg

Row = dict[str, Any]
"""One line of a result: column name to text or number; ``rounds`` may hold every round."""

Connection = psycopg.Connection[Any]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call cost the database."""

    wall_s: float
    cpu_s: float
    """CPU seconds of the backend, from ``/proc/<pid>/schedstat``: steadier than wall time."""
    wal_bytes: int


class Meter:
    """Measures calls on one connection.

    Args:
        connection: in autocommit, to a server on this machine.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._schedstat = Path(f"/proc/{self._value('select pg_backend_pid()')}/schedstat")

    def cost(self, call: Callable[[], T]) -> tuple[Cost, T]:
        """Run ``call`` once; say what it cost and what it returned."""
        wal = self._value("select pg_current_wal_insert_lsn()")
        cpu, wall = self._cpu_s(), time.perf_counter()
        result = call()
        wall_s, cpu_s = time.perf_counter() - wall, self._cpu_s() - cpu
        written = self._value("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", wal)
        return Cost(wall_s, cpu_s, int(written)), result

    def buffers(self, query: str, *arguments: object) -> int:
        """Shared buffers that a statement touches, hit or read. It is executed and takes effect."""
        plan = self.connection.execute(
            f"explain (analyze, buffers, format json) {query}", arguments
        ).fetchone()
        assert plan is not None
        top = plan[0][0]["Plan"] if not isinstance(plan[0], str) else json.loads(plan[0])[0]["Plan"]
        return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])

    def _cpu_s(self) -> float:
        return int(self._schedstat.read_text().split()[0]) / 1e9

    def _value(self, query: str, *arguments: object) -> Any:
        row = self.connection.execute(query, arguments).fetchone()
        assert row is not None
        return row[0]


def spread(values: Sequence[float], scale: float = 1.0) -> str:
    """``median (minimum–maximum)`` of all rounds, scaled; of one round its value."""
    scaled = [value * scale for value in values]
    middle = number_text(statistics.median(scaled))
    if len(scaled) == 1:
        return middle
    return f"{middle} ({number_text(min(scaled))}–{number_text(max(scaled))})"


def number_text(value: float) -> str:
    """With about three digits that say something, and commas between thousands."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}"


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print rows as an aligned table, without their ``rounds``; nothing when there are none."""
    if not rows:
        return
    columns = list(dict.fromkeys(column for row in rows for column in row if column != "rounds"))
    lines = [columns, *([str(row.get(column, "–")) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
