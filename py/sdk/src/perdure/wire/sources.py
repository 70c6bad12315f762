"""Sources, webhooks, dynamic triggers, HTTP endpoints: what app and platform tell each other of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from perdure.wire.base import WireModel
from perdure.wire.manifest import EventRule, SourceMetadata

_Name = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_Text = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x80-\xff]*$")]


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


class TriggerRegistration(WireModel):
    """A source, and which of its events start the trigger's jobs; the answer to INITIALIZE_TRIGGER."""

    rule: EventRule
    source: SourceMetadata
    account_id: str | None = None


class RegisterTrigger(WireModel):
    """Body of ``PUT /api/v2/{clientId}/triggers/{dynamicTriggerId}/registrations/{key}``."""

    rule: EventRule | None = None
    source: SourceMetadata | None = None
    params: JsonValue = Field(
        default=None, description="Instead of rule and source: the app makes them of it."
    )
    account_id: str | None = Field(default=None, min_length=1, description="The end user whom it is about.")
    metadata: JsonValue = Field(default=None, description="For the runs to see.")

    @model_validator(mode="after")
    def _check_members(self) -> Self:
        if (self.rule is None) != (self.source is None):
            raise ValueError("rule and source belong together")
        if self.rule is None and "params" not in self.model_fields_set:
            raise ValueError("either rule and source, or params must be there")
        return self


class RegisterTriggerAnswer(WireModel):
    """Its answer: ``source.key`` is what ``PUT /api/v2/{clientId}/sources/{key}`` takes."""

    id: str
    source: RegisteredSource
    options: dict[str, OptionChange]


class ImmediateResponse(WireModel):
    """Answer to DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE, which the outside caller gets.

    ``body`` is a text; anything else goes out as JSON.
    """

    status: int = Field(ge=200, le=599)
    headers: dict[_Name, _Text] | None = None
    body: JsonValue = None
