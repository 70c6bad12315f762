"""CPU seconds of processes with all their descendants, from ``/proc``."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int], without: Iterable[int] = ()) -> float:
    """User and system time of processes and all their descendants so far, ended ones included.

    Args:
        roots: process numbers; one that has ended counts for nothing.
        without: processes to leave out, such as the harness's own backend.
    """
    left_out = set(without)
    ticks = sum(stat.ticks for pid, stat in _family(roots).items() if pid not in left_out)
    return ticks / _TICKS_PER_S


def family(roots: Iterable[int]) -> set[tuple[int, int]]:
    """Processes and all their descendants that run, each with its start, as numbers are used again."""
    return {(pid, stat.started) for pid, stat in _family(roots).items()}


def kill_left(processes: Iterable[tuple[int, int]]) -> None:
    """Kill those of a ``family`` that are still there, such as workers that did not end with their master."""
    stats = _read_all()
    for pid, started in processes:
        if pid in stats and stats[pid].started == started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _family(roots: Iterable[int]) -> dict[int, _Stat]:
    stats = _read_all()
    found: dict[int, _Stat] = {}
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid in stats and pid not in found:
            found[pid] = stats[pid]
            waiting += [child for child, stat in stats.items() if stat.parent == pid]
    return found


class _Stat:
    """What we need of ``/proc/<pid>/stat``: the parent, the start, and ticks with those of ended children."""

    def __init__(self, text: str) -> None:
        fields = text.rpartition(")")[2].split()  # the name before may contain anything
        self.parent = int(fields[1])
        self.started = int(fields[19])
        self.ticks = sum(int(field) for field in fields[11:15])


def _read_all() -> dict[int, _Stat]:
    stats = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stats[int(folder.name)] = _Stat((folder / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # has just ended
    return stats
