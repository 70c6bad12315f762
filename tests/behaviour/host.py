"""``python -m tests.behaviour.host NAME PORT``: the app with all cases, in one kind of host."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

from perdure import recorder

from .define import app
from .flavours import load_cases

PATH = "/api/perdure/"
LAMBDA_TIMEOUT_S = 30


def serve_asgi(port: int, *, wrap: Callable[[Any], Any] = lambda asgi: asgi) -> None:
    """FastAPI under uvicorn, ours mounted."""
    import uvicorn
    from fastapi import FastAPI

    api = FastAPI()
    api.mount(PATH, wrap(app.asgi()))
    uvicorn.run(api, host="127.0.0.1", port=port, log_level="warning")


def serve_old_platform(port: int) -> None:
    """The same behind a proxy that makes the platform look older: it speaks extension 1 only."""

    def wrap(asgi: Any) -> Any:
        async def proxy(scope: Any, receive: Any, send: Any) -> None:
            headers = [
                (name, b"1" if name == b"x-perdure-version" else value)
                for name, value in scope.get("headers", ())
            ]
            await asgi({**scope, "headers": headers}, receive, send)

        return proxy

    serve_asgi(port, wrap=wrap)


def serve_wsgi(port: int) -> None:
    """Flask under a threaded server, ours mounted."""
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import WSGIRequestHandler, make_server

    flask = Flask("behaviour")
    flask.wsgi_app = DispatcherMiddleware(flask.wsgi_app, {PATH.rstrip("/"): app.wsgi()})  # type: ignore[method-assign]

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    make_server("127.0.0.1", port, flask, threaded=True, request_handler=Quiet).serve_forever()


def serve_django(port: int) -> None:
    """A Django project in its WSGI handler, under the threaded server that runserver uses."""
    from django.conf import settings
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=(path(PATH.lstrip("/"), app.django_view()),),
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}
        },
        USE_TZ=True,
    )

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadedWSGIServer(("127.0.0.1", port), Quiet)
    server.set_app(get_wsgi_application())
    server.serve_forever()


def serve_lambda(port: int) -> None:
    """Lambda behind an HTTP front of ours, which sends each request as another of its hosts does."""
    handler = app.lambda_handler()
    makers: Iterator[Callable[..., dict[str, Any]]] = cycle([rest_event, http_event, balancer_event])

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Have the handler answer."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            result = handler(
                next(makers)(self.command, self.path, self.headers.items(), body), LambdaContext()
            )
            answer = (
                base64.b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
            )
            self.send_response(result["statusCode"])
            for name, value in result.get("headers", {}).items():
                self.send_header(name, value)
            for name, values in result.get("multiValueHeaders", {}).items():
                for value in values:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_HEAD = do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    Server(("127.0.0.1", port), Front).serve_forever()


def serve_connected(port: int) -> None:
    """A worker, which listens nowhere: executions come to it over its connection to the server."""
    asyncio.run(app.connection().run())


class LambdaContext:
    """What Lambda gives a handler besides the event."""

    def __init__(self, timeout_s: float = LAMBDA_TIMEOUT_S) -> None:
        self._ends_at = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends the invocation."""
        return int((self._ends_at - time.monotonic()) * 1000)


def rest_event(method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
    """As a REST API of API Gateway sends a request: names as they came, values twice, the body in base64."""
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name.title(), []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "requestContext": {"stage": "prod", "httpMethod": method},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def http_event(method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
    """As an HTTP API of API Gateway and a function URL do: names in lower case, the body as text."""
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {name.lower(): value for name, value in headers},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def balancer_event(method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
    """As a load balancer does that sends several values."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:test"}},
        "httpMethod": method,
        "path": path,
        "multiValueHeaders": {name.lower(): [value] for name, value in headers},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


HOSTS: dict[str, Callable[[int], None]] = {
    "asgi": serve_asgi,
    "wsgi": serve_wsgi,
    "django": serve_django,
    "lambda": serve_lambda,
    "direct": serve_asgi,
    "connected": serve_connected,
    "old-platform": serve_old_platform,
}


if __name__ == "__main__":
    # The cases count calls: none is to come from a busy machine on which a task takes more than a second.
    recorder.ANNOUNCE_AFTER_S = recorder.RIDE_ALONG_S = 30.0
    load_cases()
    HOSTS[sys.argv[1]](int(sys.argv[2]))
