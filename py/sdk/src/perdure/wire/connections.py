"""Accounts at services, the developer's and those of the app's end users, as the API takes and shows them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel

AuthType: TypeAlias = Literal["oauth2", "apiKey"]


class CreateConnectionBody(WireModel):
    """An account at a service: its token, and what goes with it."""

    access_token: str = Field(min_length=1, repr=False, description="Stored encrypted.")
    type: AuthType
    scopes: list[str] | None = None
    additional_fields: dict[str, str] | None = Field(
        default=None, repr=False, description="What the service wants beside the token, such as a subdomain."
    )
    metadata: JsonValue = None


class Connection(WireModel):
    """An account at a service, without its token."""

    id: str
    integration: str = Field(description="The integration's id in the app.")
    account_id: str | None = Field(
        default=None, description="The app's end user; absent: the developer's own."
    )
    type: AuthType
    scopes: list[str]
    metadata: JsonValue = None
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
