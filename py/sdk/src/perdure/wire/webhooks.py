"""Webhooks that register themselves at their provider: their registration, and what they receive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel, describe
from perdure.wire.delivery_headers import DeliveryHeaders
from perdure.wire.http_endpoints import HttpRequest
from perdure.wire.sources import SourceResponse

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


class UpdateWebhook(WireModel):
    """Body of ``PUT /api/v1/webhooks/{key}``: it is registered with ``config`` now, or could not be."""

    key: str | None = Field(default=None, description="Ignored: the path says which webhook it is.")
    active: bool
    config: dict[str, list[str]] | None = None

    @model_validator(mode="after")
    def _check_config(self) -> Self:
        if self.active and self.config is None:
            raise ValueError("config must be there when active is true")
        return self


class UpdateWebhookAnswer(WireModel):
    """Answer of ``PUT /api/v1/webhooks/{key}``."""

    id: str
    key: str


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
