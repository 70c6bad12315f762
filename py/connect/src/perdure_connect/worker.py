"""``perdure-connect jobs:app``: a worker, which runs an app's jobs over a connection to the server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import signal
import sys

from perdure import Perdure
from perdure.errors import ConfigurationError, PerdureError


def make_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="perdure-connect", description=__doc__)
    parser.add_argument("app", metavar="MODULE:APP", help="where the Perdure object is, such as jobs:app")
    parser.add_argument("--slots", type=int, default=50, help="most executions at the same time")
    parser.add_argument("--drain-s", type=float, default=25.0, help="seconds for those under way at the end")
    return parser


def main() -> int:
    """Connect, and serve until SIGTERM or SIGINT; then let the executions under way end.

    Returns: the exit code; 1: it cannot be done, and stderr says why.
    """
    given = make_parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(_load(given.app), given.slots, given.drain_s))
    except PerdureError as error:
        print(f"perdure-connect: {error}", file=sys.stderr)
        return 1
    return 0


def _load(text: str) -> Perdure:
    module, _, name = text.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        app = getattr(importlib.import_module(module), name or "app", None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"there is no module {error.name!r} in {os.getcwd()}") from None
    if not isinstance(app, Perdure):
        raise ConfigurationError(f"{text}: there is no Perdure object; give MODULE:APP, such as jobs:app")
    return app


async def _serve(app: Perdure, slots: int, drain_s: float) -> None:
    gc.collect()  # the process is the worker's alone: what was imported is not looked through again and again
    gc.freeze()
    gc.set_threshold(20_000)
    connection = app.connection(slots=slots, drain_s=drain_s)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, connection.stop)
    await connection.run()
    await app.close()
