"""Answers: always 200 on success, JSON as the database wrote it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from perdure.wire.base import WireModel
from perdure.wire.headers import JSON_TYPE
from perdure_server.json_text import encode_json


def json_response(document: bytes, *, headers: Mapping[str, str] | None = None) -> Response:
    """200 with a JSON document that is sent as it is."""
    return Response(document, media_type=JSON_TYPE, headers=headers)


def value_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain values as JSON."""
    return Response(encode_json(value).encode(), status_code=status, media_type=JSON_TYPE, headers=headers)


def model_response(message: WireModel) -> Response:
    """200 with a message."""
    return Response(message.to_wire_bytes(), media_type=JSON_TYPE)
