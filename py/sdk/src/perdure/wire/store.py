"""The key-value store of an environment, as the API answers about it."""

from __future__ import annotations

from typing import Literal

from perdure.wire.base import WireModel


class StoreItem(WireModel):
    """A key and its value: JSON text, None when there is no value."""

    action: Literal["GET", "SET"]
    key: str
    value: str | None = None


class StoreItemDeleted(WireModel):
    """A key whose value was removed, if there was one."""

    action: Literal["DELETE"]
    key: str
    deleted: bool
