"""Values on their way out as JSON: what goes into events, invocations, statuses, stores and requests."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json


def to_json_text(value: Any, what: str) -> bytes:
    """The JSON text of plain data, pydantic models, dataclasses, dates, and lists and dicts of those.

    Of models, what is only computed is left out, so that they can be read back; NaN becomes null.

    Args:
        what: for the error, such as ``"the event's payload"``.
    Raises:
        TypeError: it is not JSON.
    """
    try:
        return to_json(value, by_alias=True, inf_nan_mode="null", round_trip=True)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise TypeError(f"{what} cannot be sent as JSON: {error}") from error


def to_plain(value: Any, what: str) -> Any:
    """As ``to_json_text``, read again: dicts, lists, texts, numbers, booleans and None."""
    return from_json(to_json_text(value, what))
