"""Task records: how a call of ``io`` is told to the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, from_json

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


def open_frame(claim: Claim, options: TaskOptions) -> TaskFrame:
    """A task whose function is about to be called.

    Raises:
        UnserializableResult: the params, or what else the options say, are not JSON.
    """
    known, parent, shown = claim.known, claim.parent, claim.shown
    if options.show_nothing:  # as most do: there is nothing of the user's in it
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
