"""HTTP endpoints: the answers that an app gives to requests of others at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from perdure.wire.base import WireModel

_Name = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_Text = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x80-\xff]*$")]


class ImmediateResponse(WireModel):
    """Answer to DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE, which the outside caller gets.

    ``body`` is a text; anything else goes out as JSON.
    """

    status: int = Field(ge=200, le=599)
    headers: dict[_Name, _Text] | None = None
    body: JsonValue = None
