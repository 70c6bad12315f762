"""What all benchmarks measure with: CPU of a Postgres backend, WAL, buffers; and how they print it."""

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
    """``median (minimum–maximum)`` of all rounds, scaled."""
    scaled = sorted(value * scale for value in values)
    digits = 3 if scaled[-1] < 10 else 1
    low, middle, high = (f"{x:.{digits}f}" for x in (scaled[0], statistics.median(scaled), scaled[-1]))
    return f"{middle} ({low}–{high})"


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print rows as an aligned table, without their ``rounds``."""
    columns = [column for column in rows[0] if column != "rounds"]
    lines = [columns, *([str(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
