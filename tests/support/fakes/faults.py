"""What a fake should do wrong to its next calls: refuse, be slow, hold them, or break the connection."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_POLL_S = 0.01


@dataclass
class Fault:
    """Applies to the next ``count`` calls of ``method`` whose path ends with ``path`` (None: any).

    ``delay_s`` seconds pass first; a ``held`` call waits for :meth:`release`. Then ``status`` is answered in
    place of the service, or, when ``broken``, an answer starts and the connection drops. With neither, the
    call goes through. ``broken_after``: the service does its work, but its answer is lost.
    """

    count: int = 1
    method: str | None = None
    path: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay_s: float = 0.0
    held: bool = False
    broken: bool = False
    broken_after: bool = False
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        """Let the held calls go on."""
        self._released.set()

    async def wait_until_released(self, timeout_s: float = 60) -> None:
        """Keep a held call waiting, ``timeout_s`` at the most, so that no test hangs."""
        deadline = time.monotonic() + timeout_s
        while self.held and not self._released.is_set() and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)

    def applies_to(self, method: str, path: str) -> bool:
        """True when this fault is meant for such a call."""
        return (self.method is None or self.method == method) and (
            self.path is None or path.endswith(self.path)
        )


class Faults:
    """The faults that are still to come; the oldest that applies is taken first."""

    def __init__(self) -> None:
        self._pending: list[tuple[Fault, int]] = []
        self._taken: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Line up a fault; returns it, so that a held one can be released."""
        with self._lock:
            self._pending.append((fault, fault.count))
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, counted down; None when all is well."""
        with self._lock:
            for position, (fault, remaining) in enumerate(self._pending):
                if fault.applies_to(method, path):
                    self._pending[position : position + 1] = [(fault, remaining - 1)] if remaining > 1 else []
                    self._taken.append(fault)
                    return fault
        return None

    def release_all(self) -> None:
        """Let every held call go on, and drop the faults that have not happened yet."""
        with self._lock:
            for fault in [*(fault for fault, _ in self._pending), *self._taken]:
                fault.release()
            self._pending.clear()
            self._taken.clear()
