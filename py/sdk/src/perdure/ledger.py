"""What a run already did, and which keys this execution has used."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from perdure.errors import DuplicateTaskKey, ReplayMismatch
from perdure.keys import Key, display_key
from perdure.threads import calling_thread
from perdure.wire.tasks import CachedTask, TaskStatus

_TURNS = 5  # of the event loop


@dataclass(slots=True)
class _Level:
    """The tasks directly within one task, or within the run."""

    unmet: dict[str, CachedTask] = field(default_factory=dict)
    """Known from earlier executions and not met in this one, oldest first."""
    callers: set[int] = field(default_factory=set)
    """Who called: with one caller the order of the calls is that of the code."""
    in_order: bool = True
    """False where calls are made side by side by nature."""


class TaskLedger:
    """The tasks that the platform sent with a run, by idempotency key."""

    def __init__(self, tasks: Iterable[CachedTask], *, owner: int | None) -> None:
        self.owner = owner
        """The caller who runs the job's function."""
        self._known = {task.idempotency_key: task for task in tasks}
        self._used: dict[str, str] = {}
        self._levels: dict[str | None, _Level] = {}
        for task in self._known.values():
            if not _is_log_line(task):
                self._level(task.parent_id).unmet[task.idempotency_key] = task

    @property
    def is_empty(self) -> bool:
        """True when no task is known."""
        return not self._known

    def known(self, key: str) -> CachedTask | None:
        """The task as earlier executions left it."""
        return self._known.get(key)

    def is_used(self, key: str) -> bool:
        """True when this execution came to the task."""
        return key in self._used

    def claim(
        self, idempotency_key: str, key: Key, call_site: str, parent_key: str | None, caller: int
    ) -> None:
        """Note that a key is used, by ``current_caller()``.

        Raises:
            DuplicateTaskKey: it was used before in this execution; the text names the key and both lines.
        """
        # One step: threads of a plain job may come at the same time.
        earlier = self._used.setdefault(idempotency_key, call_site)
        if earlier is not call_site:
            again = f"first at {earlier}, again at {call_site}"
            where = f"in a loop at {call_site}" if earlier == call_site else again
            raise DuplicateTaskKey(
                f"task key {display_key(key)!r} is used twice in one execution: {where}. "
                'Give every task its own key; in a loop put the index in: ["item", i]'
            )
        if self._known:  # else no order is known that could be broken
            level = self._level_within(parent_key)
            level.unmet.pop(idempotency_key, None)
            level.callers.add(caller)

    def allow_any_order(self, parent_key: str) -> None:
        """The tasks within this one run side by side: any of them may be first."""
        self._level_within(parent_key).in_order = False

    def begin_again(self, parent_key: str | None) -> None:
        """A task within this one that began before is not finished, so nothing followed it.

        Unless its failure was caught, and the run has been continued: what follows it now may differ.
        """
        level = self._level_within(parent_key)
        if level.unmet:
            level.in_order = False

    async def check_new(
        self, idempotency_key: str, key: Key, parent_key: str | None, caller: int, owner: int | None
    ) -> None:
        """Refuse to begin a task that is new where the run did another one before.

        Only where the code goes straight: of calls side by side any may be first. So it does where ``owner``,
        who runs the surrounding code, made all the calls and now begins the task.

        Raises:
            ReplayMismatch: the code changed under the run; the text names the task it did and this one.
        """
        level = self._level_within(parent_key)
        if not level.unmet or not level.in_order or caller != owner or caller != current_caller():
            return
        for _ in range(_TURNS):  # asyncio tasks that were just created make their calls
            await asyncio.sleep(0)
        if not level.unmet or level.callers != {owner}:
            return
        expected = next(iter(level.unmet.values()))
        raise ReplayMismatch(
            f"the code changed under a running run: at {self._used[idempotency_key]} it begins the new task "
            f"{display_key(key)!r}, where it did {_described(expected)} before. Put what it did back in its "
            "place, add new tasks behind it, or start the run anew"
        )

    def check_kind(self, known: CachedTask, key: Key, *, is_wait: bool) -> None:
        """Refuse a task that was a wait before, and the other way round.

        Raises:
            ReplayMismatch: the code changed under the run.
        """
        if known.noop == is_wait:
            return
        now, before = ("a wait", "a task") if is_wait else ("a task", "a wait")
        raise ReplayMismatch(
            f"the code changed under a running run: {display_key(key)!r} is {now} at "
            f"{self._used[known.idempotency_key]}, and was {before} when the run came there first. Give it "
            "another key, or start the run anew"
        )

    def unmet(self) -> list[str]:
        """What the run did before and this execution, which came to its end, did not meet, for people."""
        level = self._level(None)
        return [_described(task) for task in level.unmet.values()] if level.in_order else []

    def unmet_done(self) -> list[str]:
        """What the run had done before and this execution, which failed, did not come to, for people."""
        tasks = self._level(None).unmet.values()
        return [_described(task) for task in tasks if task.status == TaskStatus.COMPLETED and not task.noop]

    def _level(self, parent_id: str | None) -> _Level:
        level = self._levels.get(parent_id)
        return level if level is not None else self._levels.setdefault(parent_id, _Level())

    def _level_within(self, parent_key: str | None) -> _Level:
        if parent_key is None:
            return self._level(None)
        parent = self._known.get(parent_key)
        return self._level(parent.id if parent is not None else parent_key)


def current_caller() -> int:
    """Identifies the thread of a plain job, or else the asyncio task, that calls here."""
    thread = calling_thread.get()
    if thread is not None:
        return thread
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        task = None
    return id(task) if task is not None else threading.get_ident()


def find_call_site() -> str:
    """File and line of the innermost caller that is neither the SDK nor an integration of ours."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


@cache
def _is_ours(module: str) -> bool:
    return module == "perdure" or module.startswith(("perdure.", "perdure_"))


def _is_log_line(task: CachedTask) -> bool:
    return task.noop and task.name in ("log", None)  # an older platform does not name them


def _described(task: CachedTask) -> str:
    return repr(task.display_key or task.name or task.id)
