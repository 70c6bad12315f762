"""WSGI: mount it in Flask or any WSGI app at any path, or serve it alone. Needs none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeAlias

from perdure.endpoint import Endpoint, EndpointAnswer

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]

_CHUNK_BYTES = 1 << 20


class UnreadableBody(Exception):
    """The body of a request cannot be read; ``answer`` says so."""

    def __init__(self, answer: EndpointAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class WsgiApp:
    """Translates WSGI for the endpoint.

    A server joins repeated headers with commas, so a request that repeats one of those that are signed is
    refused.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        answer = self._answer(environ)
        headers = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
        start_response(_status_line(answer.status), headers)
        return [answer.body]

    def _answer(self, environ: Environ) -> EndpointAnswer:
        try:
            body = read_body(environ, self._endpoint)
        except UnreadableBody as error:
            return error.answer
        return self._endpoint.handle_blocking(environ["REQUEST_METHOD"], read_headers(environ), body)


def read_headers(environ: Environ) -> dict[str, str]:
    """The headers of a request, with lower-case names."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def read_body(environ: Environ, endpoint: Endpoint) -> bytes:
    """The whole body of a request, with or without a content length.

    Raises:
        UnreadableBody: it is too large, or neither its length nor its end can be known.
    """
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        if not (length.isascii() and length.isdigit()):
            raise UnreadableBody(EndpointAnswer(400, {}, b""))
        if int(length) > endpoint.max_body_bytes:
            raise UnreadableBody(endpoint.too_large())
        return _read(stream, int(length))
    if environ.get("wsgi.input_terminated"):  # the server ends the stream where the body ends
        body = _read(stream, endpoint.max_body_bytes + 1)
        if len(body) > endpoint.max_body_bytes:
            raise UnreadableBody(endpoint.too_large())
        return body
    if environ.get("HTTP_TRANSFER_ENCODING"):  # reading on would wait for ever
        raise UnreadableBody(EndpointAnswer(411, {}, b""))
    return b""


def _read(stream: Any, most: int) -> bytes:
    """Read until the end, or so many bytes: a stream may give fewer at a time than it is asked for."""
    chunks: list[bytes] = []
    left = most
    while left > 0 and (chunk := stream.read(min(left, _CHUNK_BYTES))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
