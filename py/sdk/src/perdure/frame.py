"""A task that is being executed, and the chain of tasks around it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from perdure.wire.tasks import TaskRecord, WireError


@dataclass(eq=False, slots=True)
class TaskFrame:
    """One task's body at work."""

    key: str
    """The idempotency key."""
    fields: Mapping[str, Any]
    """What its record says, but for its end, as it travels."""
    parent: TaskFrame | None
    attempts: int
    """Counts the current try."""
    announced: bool
    """True when the platform has a row for it, so that children may name it as their parent."""
    asyncio_task: asyncio.Task[object] | None = None
    owner: int | None = None
    """The caller who runs the body."""
    is_closed: bool = False
    """True while the body must not use ``io``: within a transaction of the app's database."""
    is_group: bool = False
    """True when the body is called in every execution, also when it is done: as those of io.map."""
    log_count: int = 0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    watched_since: float | None = None
    """Loop time; None: it need not be announced any more."""

    def ancestors(self) -> Iterator[TaskFrame]:
        """The tasks around this one, from the inside out."""
        frame = self.parent
        while frame is not None:
            yield frame
            frame = frame.parent

    def text(
        self, status: str | None = None, *, output: bytes | None = None, error: WireError | None = None
    ) -> bytes:
        """Its record as JSON, with this end, its fields in the order of TaskRecord's."""
        end: dict[str, Any] = {} if status is None else {"status": status}
        if error is not None:
            end["error"] = error.to_wire()
        text = to_json({**self.fields, **end, "startedAt": self.started_at})
        return text if output is None else b'{"output":%b,%b' % (output, text[1:])

    def record(self, status: str | None = None) -> TaskRecord:
        """The same as a message, for a reply."""
        return TaskRecord.parse(self.text(status))

    def running_record(self) -> TaskRecord:
        """The record that announces it."""
        return self.record("RUNNING")


current_frame: ContextVar[TaskFrame | None] = ContextVar("perdure_current_task", default=None)
"""The task whose body is running here; None directly in a job's function."""


def with_parents(items: Iterable[tuple[TaskFrame | None, TaskRecord]]) -> list[TaskRecord]:
    """The records, and before them announcements of their parents that the platform does not know."""
    result: list[TaskRecord] = []
    stated: set[str] = set()
    for parent, record in items:
        result += [frame.running_record() for frame in unknown_parents(parent, stated)]
        stated.add(record.idempotency_key)
        result.append(record)
    return result


def unknown_parents(parent: TaskFrame | None, stated: set[str]) -> list[TaskFrame]:
    """What the platform does not know of a task's parents, from the outside in; added to ``stated``."""
    if parent is None:
        return []
    chain = [frame for frame in (parent, *parent.ancestors()) if not (frame.announced or frame.key in stated)]
    stated.update(frame.key for frame in chain)
    return chain[::-1]
