"""A task that is being executed, the chain of tasks around it, and how it is told to the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from perdure.codec import Codec
from perdure.errors import UnserializableResult
from perdure.keys import Key, display_key
from perdure.options import NO_OPTIONS, TaskOptions, to_display_properties
from perdure.wire.tasks import CachedTask, TaskRecord, WireError

MAX_RECORD_BYTES = 3 * 1024 * 1024 - 1024
"""Most bytes of records in one call: the API takes 3 MiB, with what is around them."""


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
    is_lone: bool = False
    """True when that is the job's own: it waits for the task's end."""
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


current_frame: ContextVar[TaskFrame | None] = ContextVar("perdure_current_task", default=None)
"""The task whose body is running here; None directly in a job's function."""


def with_parents(items: Iterable[tuple[TaskFrame | None, TaskRecord]]) -> list[TaskRecord]:
    """The records, and before them announcements of their parents that the platform does not know."""
    result: list[TaskRecord] = []
    stated: set[str] = set()
    for parent, record in items:
        result += [frame.record("RUNNING") for frame in unknown_parents(parent, stated)]
        stated.add(record.idempotency_key)
        result.append(record)
    return result


def unknown_parents(parent: TaskFrame | None, stated: set[str]) -> list[TaskFrame]:
    """What is not known of a task's parents, from the outside in; added to ``stated``."""
    if parent is None:
        return []
    chain = [frame for frame in (parent, *parent.ancestors()) if not (frame.announced or frame.key in stated)]
    stated.update(frame.key for frame in chain)
    return chain[::-1]


class Claim(NamedTuple):
    """A key that a call has taken: where the task stands in the run."""

    key: Key
    idempotency_key: str
    parent: TaskFrame | None
    known: CachedTask | None
    caller: int
    label: str | None = None
    """For people, instead of the key."""

    @property
    def parent_key(self) -> str | None:
        """The idempotency key of the task around it."""
        return self.parent.key if self.parent is not None else None

    @property
    def shown(self) -> str:
        """The key as people read it."""
        return self.label or display_key(self.key)


def open_frame(claim: Claim, options: TaskOptions) -> TaskFrame:
    """A task whose function is about to be called.

    Raises:
        UnserializableResult: they are not JSON.
    """
    known, parent, shown = claim.known, claim.parent, claim.shown
    if options is NO_OPTIONS or options.show_nothing:  # there is nothing of the user's in it
        fields: dict[str, Any] = {
            "idempotencyKey": claim.idempotency_key,
            "name": shown,
            "noop": False,
            "displayKey": shown,
        }
        if parent is not None:
            fields["parentKey"] = parent.key
    else:
        told = {
            "name": options.name or shown,
            "icon": options.icon,
            "description": options.description,
            "params": options.params,
            "properties": to_display_properties(options.properties),
            "style": options.style,
            "connection_key": options.connection_key,
        }
        try:
            fields = from_json(new_record(claim, told).to_wire_bytes())
        except PydanticSerializationError as error:
            raise UnserializableResult(f"task {shown!r} cannot be stored as JSON: {error}") from error
    return TaskFrame(
        key=claim.idempotency_key,
        fields=fields,
        parent=parent,
        attempts=known.attempts if known is not None else 1,
        announced=known is not None,
    )


def new_record(claim: Claim, fields: Mapping[str, Any]) -> TaskRecord:
    """A record with these fields, its params as plain JSON.

    Raises:
        UnserializableResult: the params are not JSON.
    """
    params = fields.get("params")
    if params is not None:
        codec: Codec[Any] = Codec(Any, f"params of task {claim.shown!r}")
        params = codec.encode(params)
    given = {
        "idempotency_key": claim.idempotency_key,
        "display_key": claim.shown,
        "parent_key": claim.parent_key,
        **fields,
        "params": params,
    }
    return TaskRecord.model_validate(
        {name: value for name, value in given.items() if value is not None or name == "output"}
    )


def completed_text(frame: TaskFrame, output: bytes | None) -> bytes:
    """The record of a task that is done; it and its output are JSON text.

    Raises:
        UnserializableResult: it is too much.
    """
    text = frame.text("COMPLETED", output=output)
    if len(text) > MAX_RECORD_BYTES:
        raise UnserializableResult(
            f"the result of task {frame.fields['displayKey']!r} has {len(text)} bytes as JSON; at most "
            f"{MAX_RECORD_BYTES} are stored: keep it elsewhere and return a reference"
        )
    return text
