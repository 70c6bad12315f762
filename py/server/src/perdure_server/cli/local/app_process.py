"""``python -m perdure_server.cli.local.app_process``: run a developer's app, as a child of ``perdure dev``.

Arguments: ``MODULE:APP``, ``connect`` or ``serve`` (an ASGI app, which has a Perdure app somewhere, is served
in any case), the number of a listening socket, the number of a pipe to report on, and the seconds that what
is under way may take at the end. The report is a line of JSON: ``{"started": true, "connectedAs": id or
null}`` once it can have executions, or ``{"failed": text}``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from typing import Any

from perdure_server.cli.http_server import HttpServer
from perdure_server.cli.local.app_loader import AppNotLoaded, load_app
from perdure_server.cli.logs import log_to_stderr


def main(arguments: list[str]) -> None:
    """Load the app, connect or serve it, report."""
    target, way, listener_number, report_number, drain_s = arguments
    report = int(report_number)
    log_to_stderr("info")
    try:
        app = load_app(target)
    except AppNotLoaded as error:
        _tell(report, {"failed": str(error)})
        sys.exit(1)
    if way == "connect" and app.perdure is not None:
        asyncio.run(_connect(app.perdure, report, float(drain_s)))
        return
    listener = socket.socket(fileno=int(listener_number))
    HttpServer(
        app.asgi,
        listener,
        drain_s=float(drain_s),
        on_started=lambda: _tell(report, {"started": True, "connectedAs": None}),
    ).run()


async def _connect(app: Any, report: int, drain_s: float) -> None:
    log = logging.getLogger("perdure.connection")
    log.setLevel(logging.ERROR)  # the server starts beside us: that it is not there yet is no news
    connection = app.connection(drain_s=drain_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, connection.stop)
    running = asyncio.create_task(connection.run())
    connected = asyncio.create_task(connection.connected())
    await asyncio.wait([running, connected], return_when=asyncio.FIRST_COMPLETED)
    if connected.done():
        log.setLevel(logging.NOTSET)
        _tell(report, {"started": True, "connectedAs": app.id})
        await running
    elif (error := running.exception()) is not None:
        _tell(report, {"failed": str(error)})
        sys.exit(1)
    await app.close()


def _tell(report: int, what: dict[str, Any]) -> None:
    os.write(report, json.dumps(what).encode() + b"\n")
    os.close(report)


if __name__ == "__main__":
    main(sys.argv[1:])
