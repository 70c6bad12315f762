"""A trial ends: ``make example NAME=lambda_app``. A function URL in front of the handler; a day is 0.1 s."""

from __future__ import annotations

import base64
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Begin a trial."""
    run = stage.send_event("trial.started", {"customer": "acme"})
    stage.expect(stage.finish(run), "acme came 4 times")


class Invocation:
    """What Lambda tells a function about its invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until it is stopped."""
        return 30_000


class FunctionUrl(BaseHTTPRequestHandler):
    """Turns requests into the events that a function URL makes of them, and results into answers."""

    def _invoke(self) -> None:
        from examples.lambda_app.app import handler

        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path, _, query = self.path.partition("?")
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {"http": {"method": self.command, "path": path}},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        result = handler(event, Invocation())
        text: str = result["body"]
        answer = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
        self.send_response(result["statusCode"])
        for name, value in result["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_POST = do_GET = do_HEAD = _invoke

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), FunctionUrl).serve_forever()
    else:
        command = ["-m", "examples.lambda_app", "serve", "{port}"]
        settings = {"EXAMPLE_DAY_S": "0.1"}
        sys.exit(run_example(play, command=command, variables=settings))
