"""Task keys: how a key that a user writes becomes the task's identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias

Key: TypeAlias = str | Sequence[str | int | float | bool | None]
"""A task's key within its parent: a string, or a list such as ``["item", 3]``."""

TELL_KEY = "tell"
"""Of the task in which a callback URL is told."""


def idempotency_key(run_id: str, parent_key: str | None, key: Key) -> str:
    """The task's identity: SHA-256 over run, parent and key, 64 hex digits.

    Source: idempotency keys of the trigger.dev v2 protocol, with the parent's key in place of its id.

    Raises:
        TypeError: the key is no string and no list of plain values.
        ValueError: it is empty, or not plain text.
    """
    material = f"{run_id}:{parent_key or ''}:{_checked_text(key)}"
    return hashlib.sha256(material.encode()).hexdigest()


def _checked_text(key: object) -> str:
    if isinstance(key, str):
        text = key
    elif isinstance(key, Sequence) and not isinstance(key, bytes):
        text = ":".join([part if type(part) is str else _plain_text(part) for part in key])
    else:
        raise TypeError(f"a task's key must be a string or a list of plain values, not {key!r}")
    if not text or (text is not key and "" in key):
        raise ValueError("a task's key must not be empty")
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise ValueError(f"a task's key must be plain text, without NUL and lone surrogates, not {text!r}")
    return text


def _plain_text(part: object) -> str:
    if type(part) is int:
        return str(part)
    if isinstance(part, str):
        return part
    if not isinstance(part, int | float | None):
        raise TypeError(f"a task's key may hold strings, numbers, booleans and None, not {part!r}")
    return json.dumps(part)


def display_key(key: Key) -> str:
    """The key as people read it."""
    return key if isinstance(key, str) else ":".join([str(part) for part in key])
