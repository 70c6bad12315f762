"""What a form sends, and what stands in the query: texts, limited in size."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from perdure_server.body import read_body
from perdure_server.errors import ApiError

LIMIT = 64 * 1024
"""Bytes of an ordinary form."""
_MOST_FIELDS = 200
_TYPE = "application/x-www-form-urlencoded"


class MalformedForm(ApiError):
    """No form that a page of ours sends."""

    def __init__(self) -> None:
        super().__init__(400, "MALFORMED_FORM", "The form could not be read. Open the page again.")


class BadField(ApiError):
    """What somebody filled in cannot be taken.

    Args:
        name: of the field.
        problem: what is wrong with it and how it would be right, as the rest of a sentence.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(400, "BAD_FIELD", f"{name}: {problem}")


async def read_form(request: Request, limit: int = LIMIT) -> Mapping[str, str]:
    """The fields of a form; of a repeated one the last.

    Args:
        limit: most bytes.
    Raises:
        BodyTooLarge: over the limit.
        MalformedForm: not sent as a form, not UTF-8, or with a NUL.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise MalformedForm
    try:
        text = (await read_body(request, limit=limit)).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise MalformedForm from error
    return _checked(dict(pairs))


def read_query(request: Request) -> Mapping[str, str]:
    """The query's parameters, as ``read_form`` gives fields.

    Raises:
        MalformedForm: with a NUL.
    """
    return _checked(dict(request.query_params))


def _checked(fields: dict[str, str]) -> dict[str, str]:
    if any("\0" in text for field in fields.items() for text in field):
        raise MalformedForm
    return fields
