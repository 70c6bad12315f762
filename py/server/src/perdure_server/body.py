"""What a client sends: body and query, limited in size, checked against a message, with the fault named."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from perdure.wire.base import WireModel, describe
from perdure_server.errors import ApiError
from perdure_server.json_text import JsonText, MalformedJson, decode_json, encode_json, split_object, storable
from perdure_server.params import sent_header

Message = TypeVar("Message", bound=BaseModel)


# Of a body that is too large this much more is read and thrown away: a client that is still sending when the
# connection closes would see that instead of the answer.
_DISCARDED_BYTES = 32 * 1024 * 1024


class BodyTooLarge(ApiError):
    """The body is larger than this route takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            413,
            "BODY_TOO_LARGE",
            f"the body is larger than {limit} bytes: send less, or in several calls",
            headers={"connection": "close"},  # else the server underneath would go on reading without end
        )


async def read_body(request: Request, *, limit: int) -> bytes:
    """Read the body, never keeping more of it than is allowed.

    Args:
        limit: most bytes. ``content-length`` is looked at first, and what really arrives is counted too.
    Raises:
        BodyTooLarge: over ``limit``.
    """
    announced = sent_header(request.scope, b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit + _DISCARDED_BYTES:
        raise BodyTooLarge(limit)
    chunk, more = await _receive(request)
    if not more and len(chunk) <= limit:
        return chunk
    chunks = [chunk]
    size = len(chunk)
    while more and size <= limit + _DISCARDED_BYTES:
        chunk, more = await _receive(request)
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    if size > limit:
        raise BodyTooLarge(limit)
    return b"".join(chunks)


async def _receive(request: Request) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def read_own(model: type[Message], raw: bytes) -> Message | None:
    """A message that may be from an SDK of ours; None: it has to be taken apart with ``decode_json``.

    For the hot writes. What our SDKs write is what the message written again would be. Where the caller finds
    that it is, the text can go on as it came, and nothing more has to be checked: it holds no other members,
    no null, and each value in the form in which it would be written.
    """
    if b"\\u0000" in raw:  # reads well, but Postgres has no text for it
        return None
    try:
        return model.__pydantic_validator__.validate_json(raw)  # type: ignore[no-any-return]
    except ValidationError:
        return None


def is_json(raw: bytes) -> bool:
    """Whether a part of a body is JSON that Postgres stores as it is: no NUL, no NaN, no half a pair."""
    try:
        from_json(raw, allow_inf_nan=False)
    except ValueError:
        return False
    return b"\\u0000" not in raw


async def read_json(request: Request, *, limit: int) -> JsonText | None:
    """Read a body that may be any JSON, keeping its text; None: it is empty.

    Raises:
        BodyTooLarge: over ``limit`` bytes.
        ApiError: 400 MALFORMED_JSON with line and column.
    """
    return _decode(await read_body(request, limit=limit))


async def read_json_object(request: Request, *, limit: int) -> JsonText:
    """Read a body that must be a JSON object, keeping its text; an empty body counts as ``{}``.

    Raises:
        BodyTooLarge: over ``limit`` bytes.
        ApiError: 400 MALFORMED_JSON with line and column; 400 INVALID_BODY when it is JSON but no object.
    """
    return decode_object(await read_body(request, limit=limit))


def decode_object(raw: bytes) -> JsonText:
    """A body that must be a JSON object; an empty one counts as ``{}``.

    Raises:
        ApiError: as ``read_json_object``.
    """
    document = _decode(raw) or JsonText({}, "{}")
    if not isinstance(document.value, dict):
        raise ApiError(400, "INVALID_BODY", "the body must be a JSON object, such as {}")
    return document


def _decode(raw: bytes) -> JsonText | None:
    try:
        return decode_json(raw) if raw else None
    except MalformedJson as error:
        raise ApiError(400, "MALFORMED_JSON", f"the body is not JSON: {error}") from error


def check_body(model: type[Message], document: JsonText) -> Message:
    """Hold a body against its message.

    Characters that Postgres has no ``text`` for (NUL, lone surrogates) become U+FFFD in the message, so that
    a log line with a NUL stops no run; users' own JSON goes to the engine unchanged, see ``engine_text``.

    Raises:
        ApiError: 400 INVALID_BODY, naming each wrong field and what belongs there.
    """
    try:
        return model.model_validate(storable(document))
    except ValidationError as error:
        raise ApiError(400, "INVALID_BODY", f"invalid request body: {describe(error)}") from error
    except RecursionError:
        raise ApiError(400, "INVALID_BODY", "invalid request body: it is nested too deeply") from None


def read_query(model: type[Message], request: Request) -> Message:
    """Hold the query string against a model; a parameter without a value counts as absent.

    One that is given several times is a list where the model has one, else the last counts.

    Raises:
        ApiError: 400 INVALID_QUERY, naming each wrong parameter and what belongs there.
    """
    lists = {field.alias or name for name, field in model.model_fields.items() if _is_list(field.annotation)}
    given: dict[str, str | list[str]] = {}
    for name, value in request.query_params.multi_items():
        if "\0" in value:
            raise ApiError(400, "INVALID_QUERY", f"invalid query: {name}: leave out the NUL character (%00)")
        if value and name in lists:
            given[name] = [*given.get(name, ()), value]
        elif value:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise ApiError(400, "INVALID_QUERY", f"invalid query: {describe(error)}") from error


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list


def engine_text(message: WireModel, document: JsonText, *, verbatim: Collection[str]) -> str:
    """The JSON text of a checked message for the engine.

    Args:
        message: what ``check_body`` made of ``document``.
        verbatim: members that hold users' own JSON, stored with the characters they came with. The others go
            as they were checked, so the engine meets no surprise in them.
    Raises:
        ApiError: 400 INVALID_BODY, a number is not finite.
    """
    checked = message.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude={*verbatim}
    )
    for name in verbatim:
        checked.pop(name, None)
    if None in checked.values():  # absent members are left out above, so this was an infinite number
        names = ", ".join(name for name, value in checked.items() if value is None)
        raise ApiError(400, "INVALID_BODY", f"invalid request body: {names}: the number is too large")
    text = encode_json(checked)
    own = [f'"{name}":{member.text}' for name, member in split_object(document).items() if name in verbatim]
    return "{" + ",".join([text[1:-1], *own] if checked else own) + "}"
