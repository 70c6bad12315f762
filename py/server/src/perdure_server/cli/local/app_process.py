"""``python -m perdure_server.cli.local.app_process``: serve a developer's app, as a child of ``perdure dev``.

Arguments: ``MODULE:APP``, the number of a listening socket, the number of a pipe to report on, and the
seconds that requests under way may take at the end. The report is a line of JSON: ``{"started": true,
"endpointId": id or null}`` once connections are accepted, or ``{"failed": text}``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

from perdure_server.cli.http_server import HttpServer
from perdure_server.cli.local.app_loader import AppNotLoaded, load_app
from perdure_server.cli.logs import log_to_stderr


def main(arguments: list[str]) -> None:
    """Load the app, serve it, report."""
    target, listener_number, report_number, drain_s = arguments
    report = int(report_number)
    log_to_stderr("info")
    try:
        app = load_app(target)
    except AppNotLoaded as error:
        _tell(report, {"failed": str(error)})
        sys.exit(1)
    listener = socket.socket(fileno=int(listener_number))
    HttpServer(
        app.asgi,
        listener,
        drain_s=float(drain_s),
        on_started=lambda: _tell(report, {"started": True, "endpointId": app.endpoint_id}),
    ).run()


def _tell(report: int, what: dict[str, Any]) -> None:
    os.write(report, json.dumps(what).encode() + b"\n")
    os.close(report)


if __name__ == "__main__":
    main(sys.argv[1:])
