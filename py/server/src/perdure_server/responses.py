"""Answers: always 200 on success, JSON as the database wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.responses import Response

from perdure.wire.base import WireModel
from perdure.wire.headers import JSON_TYPE, NDJSON_TYPE
from perdure_server.json_text import encode_json

_CONTENT_TYPE = (b"content-type", JSON_TYPE.encode())
_LINES_CONTENT_TYPE = (b"content-type", NDJSON_TYPE.encode())


class _JsonResponse(Response):
    """A document that is written already, so that little is left to find out about it."""

    def __init__(self, document: bytes, status: int, headers: Mapping[str, str] | None) -> None:
        self.status_code = status
        self.body = document
        self.background = None
        self.raw_headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(document))]
        if headers:
            self.raw_headers += [
                (name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()
            ]


def json_response(document: bytes, *, headers: Mapping[str, str] | None = None) -> Response:
    """200 with a JSON document that is sent as it is.

    Args:
        headers: more, by names in lower case.
    """
    return _JsonResponse(document, 200, headers)


def lines_response(documents: Iterable[bytes]) -> Response:
    """200 with JSON documents, a line each: line breaks between the members of one become spaces."""
    response = _JsonResponse(b"".join([b"%b\n" % one.replace(b"\n", b" ") for one in documents]), 200, None)
    response.raw_headers[0] = _LINES_CONTENT_TYPE
    return response


def value_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain values as JSON; arguments as for ``json_response``."""
    return _JsonResponse(encode_json(value).encode(), status, headers)


def model_response(message: WireModel) -> Response:
    """200 with a message."""
    return _JsonResponse(message.to_wire_bytes(), 200, None)
