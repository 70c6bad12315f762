"""One benchmark at a time on a machine: two would measure each other."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO


class AnotherBenchmark(RuntimeError):
    """Another benchmark runs on this machine, or in this folder."""


@contextmanager
def only_benchmark(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold the locks of the machine and of a folder; the kernel takes them back when we die.

    Args:
        folder: where the data of the benchmarks lies.
        wait: until another one has ended, instead of refusing.
    Raises:
        AnotherBenchmark: with the number of its process.
    """
    with ExitStack() as stack:
        for path in (Path(tempfile.gettempdir()) / "perdure-benchmark.lock", folder / "lock"):
            file = stack.enter_context(path.open("a+"))
            _lock(file, wait=wait)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def _lock(file: TextIO, *, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.seek(0)
        raise AnotherBenchmark(
            f"another benchmark runs on this machine (process {file.read().strip()}, lock {file.name}); "
            "let it end, or wait for it with --wait"
        ) from None
