"""External sources: their registration at a provider, and the delivery of what they receive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel, describe
from perdure.wire.delivery_headers import DeliveryHeaders
from perdure.wire.events import RawEvent


class SourceChannel(WireModel):
    """Where the provider shall send: the public URL of the source."""

    type: Literal["HTTP", "SQS", "SMTP"] = "HTTP"
    url: str


class RegisteredSource(WireModel):
    """A source as the platform knows it; ``data`` is what the last registration stored."""

    key: str
    active: bool
    secret: str
    channel: SourceChannel
    data: JsonValue = None
    params: JsonValue = None
    client_id: str | None = None


class OptionChange(WireModel):
    """One option of a source: what is wanted, what is not registered yet, and what is no longer wanted."""

    desired: list[str] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)
    orphaned: list[str] = Field(default_factory=list)


class RegisterSource(WireModel):
    """Payload of the event ``dev.trigger.source.register.v2``, for which the registration job runs."""

    id: str
    source: RegisteredSource
    options: dict[str, OptionChange]
    dynamic_trigger_id: str | None = None


class UpdateSource(WireModel):
    """Body of ``PUT /api/v2/{clientId}/sources/{key}``: activates it; ``options`` are now registered."""

    key: str
    options: dict[str, list[str]]
    secret: str | None = None
    data: JsonValue = None


class UpdateSourceAnswer(WireModel):
    """Answer of ``PUT /api/v2/{clientId}/sources/{key}``."""

    id: str
    key: str


class SourceRequest(BaseModel):
    """A request that a source received, as DELIVER_HTTP_SOURCE_REQUEST hands it to the endpoint.

    ``body`` is byte for byte what the provider sent; header names are lower case.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    secret: str
    params: JsonValue
    data: JsonValue
    url: str
    method: str
    headers: dict[str, str]
    body: bytes = b""
    dynamic_id: str | None = None
    auth: JsonValue = None
    metadata: JsonValue = None

    def header(self, name: str) -> str | None:
        """One header of the received request, by its name in any case."""
        return self.headers.get(name.lower())

    def json_body(self) -> Any:
        """The received body read as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.body)


def _default_body() -> JsonValue:
    return {"ok": True}


class SourceResponse(WireModel):
    """What to answer the provider; recorded with the delivery."""

    status: int = 200
    body: JsonValue = Field(default_factory=_default_body)
    headers: dict[str, str] | None = None


class DeliverAnswer(WireModel):
    """Answer to DELIVER_HTTP_SOURCE_REQUEST: the events to ingest and metadata to keep on the source."""

    events: list[RawEvent] = Field(default_factory=list)
    response: SourceResponse = Field(default_factory=SourceResponse)
    metadata: JsonValue = None


def write_source_headers(request: SourceRequest) -> dict[str, str]:
    """The ``x-ts-*`` headers for a received request; values are ASCII."""
    written = {
        names.SOURCE_KEY: request.key,
        names.SOURCE_SECRET: request.secret,
        names.SOURCE_PARAMS: json.dumps(request.params),
        names.SOURCE_DATA: json.dumps(request.data),
        names.SOURCE_HTTP_URL: request.url,
        names.SOURCE_HTTP_METHOD: request.method,
        names.SOURCE_HTTP_HEADERS: json.dumps(request.headers),
    }
    if request.dynamic_id is not None:
        written[names.SOURCE_DYNAMIC_ID] = request.dynamic_id
    if request.auth is not None:
        written[names.SOURCE_AUTH] = json.dumps(request.auth)
    if request.metadata is not None:
        written[names.SOURCE_METADATA] = json.dumps(request.metadata)
    return written


def read_source_headers(headers: Mapping[str, str], body: bytes) -> SourceRequest:
    """Read a received request from the headers (lower-case names) and body of a delivery.

    Raises:
        MalformedMessage: a header is missing or not JSON; the text names it.
    """
    given = DeliveryHeaders(headers)
    try:
        return SourceRequest(
            key=given.text(names.SOURCE_KEY),
            secret=given.text(names.SOURCE_SECRET),
            params=given.json(names.SOURCE_PARAMS),
            data=given.json(names.SOURCE_DATA),
            **given.received(),
            body=body,
            dynamic_id=given.optional_text(names.SOURCE_DYNAMIC_ID),
            auth=given.optional_json(names.SOURCE_AUTH),
            metadata=given.optional_json(names.SOURCE_METADATA),
        )
    except ValidationError as error:
        raise MalformedMessage(f"source request: {describe(error)}") from error
