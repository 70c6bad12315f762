"""A task that is being executed, and the chain of tasks around it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from perdure.wire.tasks import TaskRecord


@dataclass(eq=False, slots=True)
class TaskFrame:
    """One task's body at work. ``record`` states it without its end; ``attempts`` counts the current try."""

    record: TaskRecord
    parent: TaskFrame | None
    attempts: int
    announced: bool
    """True when the platform has a row for it, so that children may name it as their parent."""
    asyncio_task: asyncio.Task[object] | None = None
    owner: int | None = None
    """The caller who runs the body."""
    is_closed: bool = False
    """True while the body must not use ``io``: within a transaction of the app's database."""
    is_group: bool = False
    """True when the body is called in every execution, also when it is done: as those of io.map."""
    log_count: int = field(default=0)

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.record.idempotency_key

    def ancestors(self) -> Iterator[TaskFrame]:
        """The tasks around this one, from the inside out."""
        frame = self.parent
        while frame is not None:
            yield frame
            frame = frame.parent

    def running_record(self) -> TaskRecord:
        """The record that announces it."""
        return self.record.model_copy(update={"status": "RUNNING"})


current_frame: ContextVar[TaskFrame | None] = ContextVar("perdure_current_task", default=None)
"""The task whose body is running here; None directly in a job's function."""


def with_parents(
    items: Iterable[tuple[TaskFrame | None, TaskRecord]],
) -> list[tuple[TaskRecord, TaskFrame | None]]:
    """The records, and before them announcements of their parents that the platform does not know."""
    result: list[tuple[TaskRecord, TaskFrame | None]] = []
    stated: set[str] = set()
    for parent, record in items:
        chain = [] if parent is None else [parent, *parent.ancestors()]
        for frame in reversed(chain):
            if not frame.announced and frame.key not in stated:
                stated.add(frame.key)
                result.append((frame.running_record(), frame))
        stated.add(record.idempotency_key)
        result.append((record, None))
    return result
