"""What a run already did, and which keys this execution has used."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from perdure.errors import DuplicateTaskKey
from perdure.keys import Key, display_key
from perdure.wire.tasks import CachedTask


class TaskLedger:
    """The tasks that the platform sent with a run, by idempotency key."""

    def __init__(self, tasks: Iterable[CachedTask]) -> None:
        self._known = {task.idempotency_key: task for task in tasks}
        self._used: dict[str, str] = {}

    def known(self, key: str) -> CachedTask | None:
        """The task as earlier executions left it."""
        return self._known.get(key)

    def claim(self, idempotency_key: str, key: Key, call_site: str) -> None:
        """Note that a key is used.

        Raises:
            DuplicateTaskKey: it was used before in this execution; the text names the key and both lines.
        """
        earlier = self._used.get(idempotency_key)
        if earlier is not None:
            again = f"first at {earlier}, again at {call_site}"
            where = f"in a loop at {call_site}" if earlier == call_site else again
            raise DuplicateTaskKey(
                f"task key {display_key(key)!r} is used twice in one execution: {where}. "
                'Give every task its own key; in a loop put the index in: ["item", i]'
            )
        self._used[idempotency_key] = call_site


def find_call_site() -> str:
    """File and line of the innermost caller that is neither the SDK nor an integration of ours."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_ours(module: str) -> bool:
    return module == "perdure" or module.startswith(("perdure.", "perdure_"))
