"""The messages between platform, endpoint and SDK, their signing, and the HTTP client that carries them.

Imports nothing else of Perdure, so that server, dispatcher and SDK can share it.

To make the class of a message takes half a millisecond. So that importing ``perdure`` stays quick, the SDK
names those that are needed late as ``wire.sources.UpdateSource``, which imports their module at first use;
and modules of messages do without ``from __future__ import annotations``: pydantic would compile each text.
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
