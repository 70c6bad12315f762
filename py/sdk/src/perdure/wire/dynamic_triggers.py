"""Dynamic triggers: sources that are attached to them at run time."""

from __future__ import annotations

from typing import Self

from pydantic import Field, JsonValue, model_validator

from perdure.wire.base import WireModel
from perdure.wire.manifest import EventRule, SourceMetadata
from perdure.wire.sources import OptionChange, RegisteredSource


class TriggerRegistration(WireModel):
    """A source, and which of its events start the trigger's jobs; the answer to INITIALIZE_TRIGGER."""

    rule: EventRule
    source: SourceMetadata
    account_id: str | None = None


class InitializeTrigger(WireModel):
    """Body of INITIALIZE_TRIGGER: what does a dynamic trigger want registered for these parameters?"""

    id: str
    params: JsonValue = None
    account_id: str | None = None
    metadata: JsonValue = None


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
