"""Connected mode: an app that needs no URL, because it fetches its executions. Extra ``connect``."""

from __future__ import annotations

try:
    from perdure_connect.connection import Connection
except ModuleNotFoundError as error:
    if error.name != "perdure_connect":
        raise
    raise ImportError('connected mode needs its extra: pip install "perdure[connect]"') from error

__all__ = ["Connection"]
