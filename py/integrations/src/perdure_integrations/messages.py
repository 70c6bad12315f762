"""What other services send, as the platform hands it to the app, and what the app answers."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar, overload
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel, describe
from perdure.wire.events import RawEvent
from perdure.wire.sources import OptionChange, RegisteredSource

T = TypeVar("T")


class DeliveryHeaders:
    """Reads them, by lower-case names. What is missing or malformed is named by a MalformedMessage."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def text(self, name: str) -> str:
        """A header that must be there."""
        if name not in self._headers:
            raise MalformedMessage(f"header {name} is missing")
        return self._headers[name]

    def optional_text(self, name: str) -> str | None:
        """A header that may be there."""
        return self._headers.get(name)

    def json(self, name: str) -> Any:
        """A header that must be there, read as JSON."""
        try:
            return json.loads(self.text(name))
        except ValueError as error:
            raise MalformedMessage(f"header {name} is not JSON: {error}") from error

    def optional_json(self, name: str) -> Any:
        """A header that may be there, read as JSON; else None."""
        return self.json(name) if name in self._headers else None

    def received(self) -> dict[str, Any]:
        """The received request: ``url``, ``method``, ``headers`` with lower-case names."""
        headers = self.json(names.SOURCE_HTTP_HEADERS)
        if not isinstance(headers, dict):
            raise MalformedMessage(f"header {names.SOURCE_HTTP_HEADERS} must hold a JSON object")
        return {
            "url": self.text(names.SOURCE_HTTP_URL),
            "method": self.text(names.SOURCE_HTTP_METHOD),
            "headers": {str(name).lower(): value for name, value in headers.items()},
        }


class HttpRequest(WireModel):
    """A request to an HTTP endpoint; header names are lower case.

    In a job's payload ``body`` is what was sent as UTF-8 text: bytes that are none were replaced by U+FFFD.
    """

    url: str
    method: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: bytes = Field(default=b"", validation_alias="rawBody", serialization_alias="rawBody")
    received_at: AwareDatetime | None = Field(
        default=None, description="When the platform took it, for checks of signatures; else None."
    )

    @field_validator("headers", mode="after")
    @classmethod
    def _lower(cls, headers: dict[str, str]) -> dict[str, str]:
        return {name.lower(): value for name, value in headers.items()}

    def header(self, name: str) -> str | None:
        """One header, by its name in any case; several of one name are joined with commas."""
        return self.headers.get(name.lower())

    @property
    def query(self) -> dict[str, list[str]]:
        """The query of the URL: the values of each name."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @overload
    def json_body(self) -> Any: ...

    @overload
    def json_body(self, schema: type[T]) -> T: ...

    def json_body(self, schema: Any = Any) -> Any:
        """The body read as JSON, and as a type when one is given.

        Raises:
            ValueError: it is not JSON, or does not fit the type.
        """
        if schema is Any:
            return json.loads(self.body)
        try:
            return TypeAdapter(schema).validate_json(self.body)
        except ValidationError as error:
            raise ValueError(f"the body does not fit {schema!r}: {describe(error)}") from error


def read_http_request(headers: Mapping[str, str], body: bytes) -> tuple[str, HttpRequest]:
    """Read which HTTP endpoint is asked for an answer, and to what, from a delivery (names in lower case).

    Raises:
        MalformedMessage: a header is missing or not JSON; the text names it.
    """
    given = DeliveryHeaders(headers)
    try:
        return given.text(names.SOURCE_KEY), HttpRequest(**given.received(), body=body)
    except ValidationError as error:
        raise MalformedMessage(f"request to an HTTP endpoint: {describe(error)}") from error


class SourceRequest(BaseModel):
    """A request that a source received, as DELIVER_HTTP_SOURCE_REQUEST hands it to the endpoint.

    ``body`` is byte for byte what the provider sent; header names are lower case.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

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


class RegisterSource(WireModel):
    """Payload of the event ``dev.trigger.source.register.v2``, for which the registration job runs."""

    id: str
    source: RegisteredSource
    options: dict[str, OptionChange]
    dynamic_trigger_id: str | None = None


REGISTER_WEBHOOK_EVENT = "dev.trigger.webhook.register"
"""Name, before a full stop and the webhook's key, of the event for which its registration job runs."""


class WebhookConfig(WireModel):
    """What a webhook is registered with at its provider now, and what it shall be registered with."""

    current: dict[str, list[str]] = Field(default_factory=dict)
    desired: dict[str, list[str]] = Field(default_factory=dict)


class RegisterWebhook(WireModel):
    """Payload of the event for which a webhook's registration job runs.

    The provider shall send to ``url`` and sign with ``secret``; ``active`` tells whether it does already.
    """

    active: bool
    url: str
    secret: str
    params: JsonValue = None
    config: WebhookConfig = Field(default_factory=WebhookConfig)


class WebhookRequest(HttpRequest):
    """A request that a webhook received, with the webhook's key, secret and params.

    ``body`` is byte for byte what the provider sent; header names are lower case.
    """

    key: str
    secret: str
    params: JsonValue = None


class WebhookAnswer(WireModel):
    """Answer to DELIVER_WEBHOOK_REQUEST. The app has sent the events itself; the rest is for people."""

    response: SourceResponse = Field(default_factory=SourceResponse)
    verified: bool
    error: str | None = None


def read_webhook_request(headers: Mapping[str, str], body: bytes) -> WebhookRequest:
    """Read a received request from the headers (lower-case names) and body of a delivery.

    Raises:
        MalformedMessage: a header is missing or not JSON; the text names it.
    """
    given = DeliveryHeaders(headers)
    try:
        return WebhookRequest(
            key=given.text(names.SOURCE_KEY),
            secret=given.text(names.SOURCE_SECRET),
            params=given.json(names.SOURCE_PARAMS),
            **given.received(),
            body=body,
        )
    except ValidationError as error:
        raise MalformedMessage(f"webhook request: {describe(error)}") from error


class InitializeTrigger(WireModel):
    """Body of INITIALIZE_TRIGGER: what does a dynamic trigger want registered for these parameters?"""

    id: str
    params: JsonValue = None
    account_id: str | None = None
    metadata: JsonValue = None
