"""Marks: what user code tells the harness, at a price that is the same for every system: one write to a file.

Standard library only: the programs of other systems import it in an environment of their own.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "BENCH_MARKS"
"""The environment variable that says where the file is."""

_RECORD = struct.Struct("<qqd")


class Marks:
    """Writes marks. Any number of processes may: a record is appended in one piece."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._file = os.open(path or os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def mark(self, number: int) -> None:
        """Note that the user code of run ``number`` has come here, and when."""
        os.write(self._file, _RECORD.pack(number, time.monotonic_ns(), time.time()))


class MarkReader:
    """Reads marks, each once."""

    def __init__(self, path: Path) -> None:
        path.touch()
        path.chmod(0o666)
        self._path = path
        self._offset = 0
        self.seen: dict[int, tuple[int, float]] = {}
        """Number → when it was marked first: on the monotonic clock in ns, and in seconds since 1970."""

    def read(self) -> None:
        """Take in what was written since."""
        for number, monotonic_ns, wall_s in self._records():
            self.seen.setdefault(number, (monotonic_ns, wall_s))

    def clear(self) -> None:
        """Forget everything, the file included."""
        os.truncate(self._path, 0)
        self._offset = 0
        self.seen = {}

    def _records(self) -> Iterator[tuple[int, int, float]]:
        size = self._path.stat().st_size
        size -= (size - self._offset) % _RECORD.size
        if size > self._offset:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(size - self._offset)
            self._offset = size
            yield from _RECORD.iter_unpack(data)
