"""Advisory file locks: they end with the process that holds them, however it ends."""

import fcntl
import os
from pathlib import Path
from typing import Self


class FileLock:
    """One open handle of a lock file; it holds no lock, a shared one, or the exclusive one.

    Args:
        path: the lock file, made when absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # not inherited by programs that we start

    def try_shared(self) -> bool:
        """Take the lock together with others; ``False``: somebody has it exclusively."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock alone; ``False``: somebody has it."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Let go. A handle inherited by a program that we started keeps the lock."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def shared_by_others(path: Path) -> bool:
    """Whether anybody holds the lock in shared mode; not when somebody has it exclusively."""
    with FileLock(path) as probe:
        return not probe.try_exclusive() and probe.try_shared()


def is_exclusive(path: Path) -> bool:
    """Whether somebody has the lock exclusively."""
    with FileLock(path) as probe:
        return not probe.try_shared()
