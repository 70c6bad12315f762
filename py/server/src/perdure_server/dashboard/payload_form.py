"""A payload as the fields of a form, and back: what somebody fills in, and the JSON that it means."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from perdure_server.dashboard.documents import MalformedJson, checked_json
from perdure_server.dashboard.payload_schema import ROOT, Node, is_writable, json_text, member_name

MOST_PLACES = 150
"""On one page: above, the payload is for JSON alone."""
_MOST_ROWS = 50
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One place of a payload as the page shows it."""

    name: str
    label: str
    node: Node
    required: bool
    text: str
    """What stands in it, of one that is filled in."""
    problem: str | None
    parts: list[Field] = field(default_factory=list)
    """Of an object its members, of an array its rows."""

    @property
    def id(self) -> str:
        """For labels."""
        return quote(self.name, safe="")


def to_fields(node: Node, value: Any, name: str = ROOT) -> dict[str, str]:
    """What a form that asks for ``node`` holds when it means ``value``; what it cannot show is left out."""
    fields: dict[str, str] = {}
    if node.kind == "object" and isinstance(value, dict):
        for key, member in node.members.items():
            if key in value:
                fields |= to_fields(member, value[key], member_name(name, key))
    elif node.kind == "array" and node.items and isinstance(value, list):
        rows = value[:_MOST_ROWS]
        fields[_count(name)] = str(max(len(rows), 1))
        for number, row in enumerate(rows):
            fields |= to_fields(node.items, row, f"{name}/{number}")
    elif node.kind not in ("object", "array") and (text := _text_of(node, value)):
        fields[name] = text
    return fields


def to_payload(node: Node, fields: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    """What a form means: the payload, and what cannot be read, by the names of its fields."""
    problems: dict[str, str] = {}
    value = _value(node, fields, ROOT, required=True, problems=problems)
    return ({} if value is _ABSENT else value), problems


def keep_unknown(node: Node, new: Any, old: Any) -> Any:
    """``new``, and what ``old`` has beside it that the form does not ask for."""
    if node.kind == "object" and isinstance(new, dict) and isinstance(old, dict):
        kept = {key: value for key, value in old.items() if key not in node.members}
        return {
            key: keep_unknown(node.members[key], value, old.get(key)) for key, value in new.items()
        } | kept
    if (
        node.kind == "array" and node.items
        and isinstance(new, list) and isinstance(old, list) and len(new) == len(old)
    ):  # fmt: skip
        return [keep_unknown(node.items, *pair) for pair in zip(new, old, strict=True)]
    return new


def to_page(node: Node, fields: Mapping[str, str], problems: Mapping[str, str]) -> Field:
    """The fields as a page shows them."""
    return _field(node, fields, problems, ROOT, "Payload", required=False)


def names_of(place: Field) -> set[str]:
    """The names of a place and of all that is in it."""
    return {place.name}.union(*map(names_of, place.parts))


def add_row(fields: Mapping[str, str], name: str) -> dict[str, str]:
    """The fields with one more row in an array."""
    return {**fields, _count(name): str(min(_rows(fields, name) + 1, _MOST_ROWS))}


def remove_row(fields: Mapping[str, str], row: str) -> dict[str, str]:
    """The fields without a row of an array, such as ``p/lines/2``; those after it move up."""
    name, _, number = row.rpartition("/")
    if not number.isdecimal():
        return dict(fields)
    left: dict[str, str] = {}
    for key, text in fields.items():
        place, slash, rest = key.removeprefix(f"{name}/").partition("/")
        index, mark, _ = place.partition("#")
        if not key.startswith(f"{name}/") or not index.isdecimal():
            left[key] = text
        elif int(index) != int(number):
            moved = int(index) - (int(index) > int(number))
            left[f"{name}/{moved}{mark}{slash}{rest}"] = text
    left[_count(name)] = str(max(_rows(fields, name) - 1, 1))
    return left


def _field(
    node: Node,
    fields: Mapping[str, str],
    problems: Mapping[str, str],
    name: str,
    label: str,
    *,
    required: bool,
) -> Field:
    parts: list[Field] = []
    if node.kind == "object":
        parts = [
            _field(member, fields, problems, member_name(name, key), key, required=key in node.required)
            for key, member in node.members.items()
        ]
    elif node.kind == "array" and node.items:
        parts = [
            _field(node.items, fields, problems, f"{name}/{number}", f"{label} {number + 1}", required=False)
            for number in range(_rows(fields, name))
        ]
    return Field(name, label, node, required, fields.get(name, ""), problems.get(name), parts)


def _value(
    node: Node, fields: Mapping[str, str], name: str, *, required: bool, problems: dict[str, str]
) -> Any:
    """What a place means; ``_ABSENT``: nothing is filled in, and it need not be there."""
    if node.kind == "object":
        if not required and _is_blank(fields, name):
            return _ABSENT
        members = {
            key: _value(
                member, fields, member_name(name, key), required=key in node.required, problems=problems
            )
            for key, member in node.members.items()
        }
        return {key: value for key, value in members.items() if value is not _ABSENT}
    if node.kind == "array" and node.items:
        rows = [
            _value(node.items, fields, f"{name}/{number}", required=False, problems=problems)
            for number in range(_rows(fields, name))
        ]
        filled = [row for row in rows if row is not _ABSENT]
        return filled if filled or required else _ABSENT
    text = fields.get(name, "").replace("\r\n", "\n")
    if not text.strip():
        if required and node.nullable:
            return None
        return text if node.kind == "text" and (required or text) else _ABSENT
    try:
        return _read(node, text)
    except ValueError as error:
        problems[name] = str(error)
        return _ABSENT


def _read(node: Node, text: str) -> Any:
    match node.kind:
        case "text" | "date":
            return text
        case "datetime":
            seconds = ":00" if len(text) == len("2026-11-28T09:30") else ""  # browsers leave them out
            return text if text.endswith("Z") else f"{text}{seconds}Z"
        case "integer" | "number":
            return _read_number(text.strip(), whole=node.kind == "integer")
        case "boolean":
            return text == "true"
        case "choice":
            if text not in node.choices:
                raise ValueError("must be one of the list")
            return json.loads(text)
        case _:
            try:
                return json.loads(checked_json(text))
            except MalformedJson as error:
                raise ValueError(f"is no JSON: {error}") from error


def _read_number(text: str, *, whole: bool) -> int | float:
    try:
        value = json.loads(checked_json(text))
    except MalformedJson:
        value = None
    if (
        isinstance(value, bool)
        or not isinstance(value, int if whole else int | float)
        or abs(value) == math.inf
    ):
        raise ValueError(f"must be a {'whole ' if whole else ''}number, not {text!r}")
    return value


def _text_of(node: Node, value: Any) -> str:
    match node.kind:
        case "text" | "date":
            return value if isinstance(value, str) and is_writable(value) else ""
        case "datetime":
            return _utc_text(value) if isinstance(value, str) else ""
        case "json":
            return json_text(value, indent=2)
        case "choice":
            return json_text(value)
        case "boolean":
            return json.dumps(value) if isinstance(value, bool) else ""
        case _:
            if isinstance(value, str):  # no number: it is shown, and refused
                return value if is_writable(value) else ""
            return json.dumps(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _utc_text(value: str) -> str:
    """An instant as ``datetime-local`` shows it, in UTC."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return ""
    text = instant.astimezone(UTC).isoformat(timespec="auto") if instant.tzinfo else instant.isoformat()
    return text.removesuffix("+00:00")


def _count(name: str) -> str:
    return f"{name}#"


def _rows(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(_count(name), "1")
    return min(int(text), _MOST_ROWS) if text.isdecimal() and len(text) < 4 else 1


def _is_blank(fields: Mapping[str, str], name: str) -> bool:
    return not any(
        text.strip() for key, text in fields.items() if key.startswith(f"{name}/") and not key.endswith("#")
    )
