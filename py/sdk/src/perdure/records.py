"""Task records: how a call of ``io`` is told to the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError

from perdure.codec import Codec
from perdure.errors import UnserializableResult
from perdure.frame import TaskFrame
from perdure.keys import Key, display_key
from perdure.options import TaskOptions, to_display_properties
from perdure.recorder import MAX_RECORD_BYTES
from perdure.wire.tasks import CachedTask, TaskRecord


@dataclass(frozen=True, slots=True)
class Claim:
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


def opening_record(claim: Claim, options: TaskOptions) -> TaskRecord:
    """A task whose function is about to be called."""
    return new_record(
        claim,
        {
            "name": options.name or claim.shown,
            "icon": options.icon,
            "description": options.description,
            "params": options.params,
            "properties": to_display_properties(options.properties),
            "style": options.style,
            "connection_key": options.connection_key,
            "started_at": datetime.now(UTC),
        },
    )


def new_record(claim: Claim, fields: Mapping[str, Any]) -> TaskRecord:
    """A record with these fields, its params as plain JSON.

    Raises:
        UnserializableResult: the params are not JSON.
    """
    params = fields.get("params")
    if params is not None:
        params = Codec[Any](Any, f"params of task {claim.shown!r}").encode(params)
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


def completed_record(opened: TaskRecord, output: Any, *, has_output: bool) -> tuple[TaskRecord, bytes]:
    """The record of a task that is done, and its JSON text.

    Raises:
        UnserializableResult: it is not JSON, or too much of it.
    """
    update: dict[str, Any] = {"status": "COMPLETED"}
    if has_output:
        update["output"] = output
    record = opened.model_copy(update=update)
    try:
        text = record.to_wire_bytes()
    except PydanticSerializationError as error:
        raise UnserializableResult(
            f"task {opened.display_key!r} cannot be stored as JSON: {error}"
        ) from error
    if len(text) > MAX_RECORD_BYTES:
        raise UnserializableResult(
            f"the result of task {opened.display_key!r} has {len(text)} bytes as JSON; at most "
            f"{MAX_RECORD_BYTES} are stored: keep it elsewhere and return a reference"
        )
    return record, text
