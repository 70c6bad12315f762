"""Import the app that a developer names as ``MODULE:APP``; when that fails, say readably why."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

_OURS = (__file__, "<frozen importlib")


class AppNotLoaded(Exception):
    """The app cannot be imported, or is none; the text says why, with the place in the developer's code."""


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """An app.

    Args:
        asgi: what to serve.
        perdure: the ``perdure.Perdure`` itself, which can connect instead; None: it is somewhere in ``asgi``.
    """

    asgi: Any
    perdure: Any


def load_app(target: str) -> LoadedApp:
    """Import ``MODULE`` and find ``APP`` in it: a ``perdure.Perdure`` or any ASGI callable.

    Args:
        target: ``MODULE:APP``; APP may have dots.
    Raises:
        AppNotLoaded: with what to do.
    """
    module_name, _, path = target.partition(":")
    module = _import(module_name)
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise AppNotLoaded(f"{module_name} has no {path!r}{_suggest(module)}.") from None
    if _is_ours(found, "Perdure"):
        return LoadedApp(found.asgi(), found)
    if not callable(found) or _is_ours(found, "Job"):
        kind = type(found).__name__
        raise AppNotLoaded(f"{target} is a {kind}, not a Perdure app or an ASGI app{_suggest(module)}.")
    return LoadedApp(found, None)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise AppNotLoaded(
                f"there is no module {error.name!r} in {os.getcwd()}: "
                "run this in the folder that has it, or correct the name."
            ) from None
        raise AppNotLoaded(_explain(name, error)) from error
    except (Exception, SystemExit) as error:
        raise AppNotLoaded(_explain(name, error)) from error


def _explain(name: str, error: BaseException) -> str:
    """What went wrong, with the developer's own part of the traceback."""
    shown = traceback.TracebackException(type(error), error, _own_part(error.__traceback__), compact=True)
    text = "".join(shown.format()).rstrip().replace("Traceback (most recent call last):\n", "")
    return f"importing {name} failed:\n" + "\n".join(f"    {line}" for line in text.splitlines())


def _own_part(trace: TracebackType | None) -> TracebackType | None:
    while trace and trace.tb_frame.f_code.co_filename.startswith((*_OURS, importlib.__file__)):
        trace = trace.tb_next
    return trace


def _suggest(module: ModuleType) -> str:
    names = ", ".join(sorted(_apps_in(module)))
    return f"; what it has: {names}" if names else ""


def _apps_in(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if _is_ours(value, "Perdure"):
            yield name


def _is_ours(value: Any, class_name: str) -> bool:
    """Told by its module: the SDK's package is not imported here, the app has done that if it uses it."""
    sdk = sys.modules.get("perdure")
    kind = getattr(sdk, class_name, None)
    return isinstance(kind, type) and isinstance(value, kind)
