"""JSON taken apart without losing its text: each member keeps the exact characters it arrived with.

What users send as payload, params or output is stored as it came. Decoding and encoding it again would change
numbers (``1.0``, ``1e400``) and characters that only exist as escapes (lone surrogates).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_BLANK = re.compile(r"[ \t\n\r]*")
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedJson(ValueError):
    """A text is not JSON; the message says where and what was expected there."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """One JSON value: what it means (``value``) and how it was written (``text``)."""

    value: Any
    text: str


def decode_json(raw: bytes | str) -> JsonText:
    """Read one JSON document: RFC 8259 in UTF-8, so without NaN and Infinity, which Postgres refuses too.

    Raises:
        MalformedJson: names line and column.
    """
    text = _decode_utf8(raw) if isinstance(raw, bytes) else raw
    start = _skip_blank(text, 0)
    if start == len(text):
        raise MalformedJson("the text is empty; JSON is expected")
    value, end = _scan(text, start)
    if (rest := _skip_blank(text, end)) != len(text):
        raise MalformedJson(f"{_place(text, rest)}: nothing may follow the JSON value")
    return JsonText(value, text[start:end])


def split_object(document: JsonText) -> dict[str, JsonText]:
    """The members of a JSON object by name. A name given twice counts once, with its last value."""
    text = document.text
    members: dict[str, JsonText] = {}
    at = _skip_blank(text, 1)
    while text[at] != "}":
        name, at = _scan(text, at)
        start = _skip_blank(text, _skip_blank(text, at) + 1)
        value, end = _scan(text, start)
        members[name] = JsonText(value, text[start:end])
        at = _skip_blank(text, end)
        if text[at] == ",":
            at = _skip_blank(text, at + 1)
    return members


def split_array(document: JsonText) -> list[JsonText]:
    """The elements of a JSON array."""
    text = document.text
    elements: list[JsonText] = []
    at = _skip_blank(text, 1)
    while text[at] != "]":
        value, end = _scan(text, at)
        elements.append(JsonText(value, text[at:end]))
        at = _skip_blank(text, end)
        if text[at] == ",":
            at = _skip_blank(text, at + 1)
    return elements


def join_object(members: Mapping[str, str]) -> str:
    """The text of an object from the text of each member."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def join_array(elements: Iterable[str]) -> str:
    """The text of an array from the text of each element."""
    return "[" + ",".join(elements) + "]"


def encode_json(value: object) -> str:
    """Compact JSON text of plain values, in ASCII: what cannot be UTF-8 stays an escape."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def storable(document: JsonText) -> Any:
    """The document's value with U+FFFD for NUL and lone surrogates, which Postgres has no ``text`` for."""
    return _replace_unstorable(document.value) if _UNSTORABLE_ESCAPE.search(document.text) else document.value


def escape_surrogates(text: str) -> str:
    """JSON text that came inside a JSON string, with surrogates as escapes again, so that it can be UTF-8."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _replace_unstorable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_unstorable(element) for element in value]
    if isinstance(value, dict):
        return {_replace_unstorable(name): _replace_unstorable(member) for name, member in value.items()}
    return value


def _scan(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{_place(text, error.pos)}: {error.msg}") from None
    except RecursionError:
        raise MalformedJson("the JSON is nested too deeply") from None
    except MalformedJson:
        raise
    except ValueError:
        raise MalformedJson(f"a number has more than {sys.get_int_max_str_digits()} digits") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is not JSON; send null or a string instead")


def _decode_utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(errors="replace")
        raise MalformedJson(f"{_place(before, len(before))}: the text must be UTF-8") from None


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _place(text: str, at: int) -> str:
    line_start = text.rfind("\n", 0, at) + 1
    return f"line {text.count(chr(10), 0, at) + 1} column {at - line_start + 1}"


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
