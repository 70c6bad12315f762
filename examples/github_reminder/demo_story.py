"""What the demo prints: lines with the time since its start."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_LOG_LINES = 40
_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


class Story:
    """Prints; in colour on a terminal."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def heading(self, text: str) -> None:
        """Begin a part."""
        print(f"\n{self._paint(_BOLD, text)}", flush=True)

    def line(self, text: str) -> None:
        """Tell something that has just happened."""
        stamp = f"[{time.monotonic() - self._began_at:5.1f} s]"
        print(f"{self._paint(_DIM, stamp)} {text}", flush=True)

    def end(self, text: str, *, good: bool) -> None:
        """The last word."""
        print(f"\n{self._paint(_GREEN if good else _RED, text)}", flush=True)

    def show_log(self, path: Path) -> None:
        """Show the end of a log file, for those who look for the reason."""
        if path.is_file():
            last = path.read_text(encoding="utf-8").splitlines()[-_LOG_LINES:]
            print("\nThe last lines of the processes:", *last, sep="\n  ", flush=True)

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._coloured else text
