"""JSON that people read and write: errors, properties, and what is wrong with a text that is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from perdure_server.json_text import MalformedJson as MalformedJson
from perdure_server.json_text import decode_json, storable


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as an app tells it."""

    name: str | None
    message: str
    stack: str | None
    has_more: bool = False
    """The document says more than this."""


@dataclass(frozen=True, slots=True)
class Property:
    """A fact that an app wants people to see."""

    label: str
    text: str
    url: str | None
    """An address on the web; None: none that may be followed."""


def failure_of(document: bytes | None) -> Failure | None:
    """The error in a document; None: it holds none."""
    value = _loaded(document)
    if isinstance(value, str):
        return Failure(None, value, None)
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return None
    name, stack = value.get("name"), value.get("stackTrace") or value.get("stack")
    return Failure(
        name if isinstance(name, str) else None,
        value["message"],
        stack if isinstance(stack, str) else None,
        not value.keys() <= {"message", "name", "stack", "stackTrace"},
    )


def properties_of(document: bytes | None) -> list[Property]:
    """The properties in a document, ``[{label, text, url?}]``; what is none is left out."""
    value = _loaded(document)
    return [
        Property(str(item["label"]), str(item.get("text", "")), _web_address(item.get("url")))
        for item in (value if isinstance(value, list) else [])
        if isinstance(item, dict) and "label" in item
    ]


def checked_json(text: str) -> bytes:
    """A text that somebody wrote, which must be JSON, as it was written.

    Raises:
        MalformedJson: it is not; a sentence that names the line and the column.
    """
    try:
        return decode_json(text).text.encode()
    except MalformedJson as error:
        problem = str(error)
        raise MalformedJson(f"{problem[:1].upper()}{problem[1:]}.") from error


def _loaded(document: bytes | None) -> Any:
    """What a document says, with what cannot be shown replaced; None: nothing, or it is no JSON."""
    if document is None:
        return None
    try:
        return storable(decode_json(document))
    except MalformedJson:
        return None


def _web_address(url: object) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None
