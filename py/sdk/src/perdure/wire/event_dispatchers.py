"""Ephemeral dispatchers: have one event sent to a URL."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, JsonValue

from perdure.wire.base import WireModel

MAX_TIMEOUT_S = 365 * 24 * 3600

EventName: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000)]


class EphemeralDispatcherBody(WireModel):
    """Body of ``POST /api/v1/event-dispatchers/ephemeral``: which event is wanted, where, and until when."""

    url: str = Field(json_schema_extra={"format": "uri"})
    name: EventName | Annotated[list[EventName], Field(min_length=1)]
    source: str | None = None
    filter: dict[str, JsonValue] | None = None
    context_filter: dict[str, JsonValue] | None = None
    account_id: str | None = Field(default=None, min_length=1)
    timeout_in_seconds: float = Field(default=3600, ge=1, le=MAX_TIMEOUT_S)


class EphemeralDispatcherAnswer(WireModel):
    """The dispatcher."""

    id: str
