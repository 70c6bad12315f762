"""Bring a database to this release, say how far it is, or take everything of ours out again."""

from .migrate import Report, Status, migrate, status
from .source import SqlSource, default_source
from .uninstall import UninstallReport, uninstall

__all__ = [
    "Report",
    "SqlSource",
    "Status",
    "UninstallReport",
    "default_source",
    "migrate",
    "status",
    "uninstall",
]
