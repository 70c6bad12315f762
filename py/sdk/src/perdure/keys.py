"""Task keys: how a key that a user writes becomes the task's identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias

Key: TypeAlias = str | Sequence[str | int | float | bool | None]
"""A task's key within its parent: a string, or a list such as ``["item", 3]``."""

_PLAIN = (str, int, float, bool, type(None))

TELL_KEY = "tell"
"""Of the task in which a callback URL is told."""


def check_key(key: object) -> None:
    """Refuse what cannot be a key.

    Raises:
        TypeError: neither a string nor a sequence of plain values.
        ValueError: empty.
    """
    if isinstance(key, str):
        _check_text(key)
        return
    if not isinstance(key, Sequence) or isinstance(key, bytes):
        raise TypeError(f"a task's key must be a string or a list of plain values, not {key!r}")
    if not key:
        raise ValueError("a task's key must not be empty")
    for part in key:
        if not isinstance(part, _PLAIN):
            raise TypeError(f"a task's key may hold strings, numbers, booleans and None, not {part!r}")
        if isinstance(part, str):
            _check_text(part)


def _check_text(text: str) -> None:
    if not text:
        raise ValueError("a task's key must not be empty")
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise ValueError(f"a task's key must be plain text, without NUL and lone surrogates, not {text!r}")


def idempotency_key(run_id: str, parent_key: str | None, key: Key) -> str:
    """The task's identity: SHA-256 over run, parent and key, 64 hex digits.

    Source: idempotency keys of the trigger.dev v2 protocol, with the parent's key in place of its id.
    """
    text = key if isinstance(key, str) else ":".join([_plain_text(part) for part in key])
    material = f"{run_id}:{parent_key or ''}:{text}"
    return hashlib.sha256(material.encode()).hexdigest()


def _plain_text(part: object) -> str:
    if isinstance(part, str):
        return part
    return str(part) if type(part) is int else json.dumps(part)


def display_key(key: Key) -> str:
    """The key as people read it."""
    return key if isinstance(key, str) else ":".join([str(part) for part in key])
