"""The messages between platform, endpoint and SDK, their signing, and the HTTP client that carries them.

To make a message's class takes half a millisecond: those that are needed late are named as
``wire.sources.UpdateSource``, which imports their module at first use. Such modules do without ``from
__future__ import annotations``, each of which pydantic would compile.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perdure.wire import manifest, notifications, sources

__all__ = ["manifest", "notifications", "sources"]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
