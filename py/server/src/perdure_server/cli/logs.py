"""The log of a long-running command: lines on stderr."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

import typer

LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option("--log-level", envvar="PERDURE_LOG_LEVEL", help="What to log on stderr."),
]

# A line for each request, for each try to connect, or for what we say ourselves.
_CHATTY = ("httpx", "httpcore", "psycopg.pool", "uvicorn")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str) -> None:
    """Log from ``level`` on."""
    logging.basicConfig(level=level.upper(), format=_FORMAT, force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
