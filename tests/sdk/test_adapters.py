"""Adapters translate and do nothing else: bodies of every kind, headers, limits, in WSGI and Lambda."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest

from perdure import Perdure
from tests.sdk.fake_platform import API_KEY
from tests.support.signed_requests import SignedRequest, signed_ping


@pytest.fixture
def app() -> Iterator[Perdure]:
    app = Perdure("acme", api_url="http://api.test", api_key=API_KEY, max_body_bytes=1000)
    yield app
    app.sync.close()


class Stream(io.BytesIO):
    """A stream that gives a few bytes at a time, as sockets do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


def call_wsgi(app: Perdure, method: str = "POST", body: bytes = b"", **environ: Any) -> tuple[str, bytes]:
    request = signed_ping("acme")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    started: list[str] = []
    chunks = app.wsgi()(
        {"REQUEST_METHOD": method, "wsgi.input": Stream(body), **headers, **environ},
        lambda status, _headers: started.append(status),
    )
    return started[0], b"".join(chunks)


@pytest.mark.parametrize(
    "environ",
    [{"CONTENT_LENGTH": "0"}, {}, {"CONTENT_LENGTH": ""}, {"wsgi.input_terminated": True}],
)
def test_wsgi_answers_a_signed_request(app: Perdure, environ: dict[str, Any]) -> None:
    assert call_wsgi(app, **environ) == ("200 OK", b'{"ok":true}')


@pytest.mark.parametrize(
    ("body", "environ", "status"),
    [
        (b"x" * 1001, {"CONTENT_LENGTH": "1001"}, "413"),
        (b"x" * 1001, {"wsgi.input_terminated": True}, "413"),
        (b"x" * 1000, {"CONTENT_LENGTH": "1000"}, "401"),  # read whole, and not what was signed
        (b"x" * 20, {"CONTENT_LENGTH": "many"}, "400"),
        (b"x" * 20, {"HTTP_TRANSFER_ENCODING": "chunked"}, "411"),
    ],
)
def test_wsgi_refuses_what_it_cannot_take(
    app: Perdure, body: bytes, environ: dict[str, Any], status: str
) -> None:
    assert call_wsgi(app, body=body, **environ)[0].startswith(status)


def test_health_checks_are_answered(app: Perdure) -> None:
    assert call_wsgi(app, "HEAD")[0] == "200 OK"


class Invocation:
    """Of a function that may run for so long."""

    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


def lambda_events(request: SignedRequest) -> dict[str, dict[str, Any]]:
    titled = {name.title(): value for name, value in request.headers.items()}
    several = {name: [value] for name, value in request.headers.items()}
    text = base64.b64encode(request.body).decode()
    http = {"http": {"method": "POST", "path": "/"}}
    return {
        "function URL": {"version": "2.0", "headers": request.headers, "requestContext": http, "body": ""},
        "HTTP API": {"headers": titled, "requestContext": http, "body": text, "isBase64Encoded": True},
        "REST API": {"httpMethod": "POST", "headers": titled, "multiValueHeaders": several, "body": None},
        "load balancer": {"httpMethod": "POST", "multiValueHeaders": several, "body": ""},
    }


@pytest.mark.parametrize("kind", ["function URL", "HTTP API", "REST API", "load balancer"])
def test_lambda_understands_each_kind_of_event(app: Perdure, kind: str) -> None:
    result = app.lambda_handler()(lambda_events(signed_ping("acme"))[kind], Invocation(5_000))
    assert (result["statusCode"], result["body"]) == (200, '{"ok":true}')
    assert ("multiValueHeaders" in result) == (kind == "load balancer")


def test_an_event_of_lambda_that_is_no_request_is_an_error(app: Perdure) -> None:
    with pytest.raises(ValueError, match="no HTTP request"):
        app.lambda_handler()({"Records": []}, Invocation(5_000))
