"""Ctrl-C, a closed terminal and SIGTERM: the first asks to stop in order, the next one to hurry."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody wants us to stop. Unwinds what is under way: ``except Exception`` lets it pass."""


class StopSignals:
    """While entered, the first signal raises ``StopRequested`` in the main thread; later ones are counted."""

    def __init__(self) -> None:
        self._received = 0
        self._before: dict[signal.Signals, object] = {}

    def hurry(self) -> bool:
        """Whether a second signal came: patience is over."""
        return self._received > 1

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received += 1
        if self._received == 1:
            raise StopRequested
