"""Endpoints and their indexes as the API shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel
from perdure.wire.execution import EnvironmentType


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
            and parts.username is None  # the dispatcher sends none, and errors show the URL
            and all("!" <= character <= "~" for character in url)
        )
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            "must be the app's full URL in ASCII, without a user name, such as https://app.example.com/api/trigger"
        )
    return url


class RegisterEndpointBody(WireModel):
    """Body of ``POST /api/v1/endpoints``."""

    url: Annotated[str, AfterValidator(_check_url)]
    id: str | None = Field(
        default=None,
        pattern="^[!-~]+$",  # travels in a header
        description="The id that the app gives itself, in ASCII, which becomes the endpoint's slug; absent: "
        "the app is asked.",
    )
    timeout_ms: int | None = Field(
        default=None, ge=1, description="How long one request may take; absent: unchanged."
    )


class IndexRequest(WireModel):
    """Body of ``POST /api/v1/endpoints/{slug}/index``: why, for people who look."""

    reason: str | None = None
    data: JsonValue = None


class IndexReference(WireModel):
    """Which index to ask for."""

    id: str


class Endpoint(WireModel):
    """A registered endpoint."""

    id: str
    slug: str
    url: str
    environment_id: str
    organization_id: str | None = None
    project_id: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    indexing_hook_identifier: str | None = None
    timeout_ms: int | None = None
    enabled: bool = Field(
        default=True, description="False: reading its jobs failed too often; registering it mends that."
    )


class RegisteredEndpoint(Endpoint):
    """A registered endpoint and the index that registering it made."""

    endpoint_index: IndexReference


class IndexStatus(StrEnum):
    """How far an index of an endpoint got."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class IndexFailure(WireModel):
    """Why an index failed."""

    message: str
    raw: JsonValue = None


class EndpointIndex(WireModel):
    """One reading of an endpoint's jobs."""

    id: str | None = None
    status: IndexStatus
    stats: dict[str, JsonValue] | None = None
    error: IndexFailure | None = None
    updated_at: AwareDatetime | None = None


class Probe(WireModel):
    """The delivery that asks how long a host lets a function live."""

    id: str


class ProjectOfKey(WireModel):
    """The project that a key belongs to."""

    id: str
    slug: str
    name: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class OrganizationOfKey(WireModel):
    """Who owns that project."""

    id: str
    slug: str
    title: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Whoami(WireModel):
    """The environment that a key belongs to."""

    id: str
    slug: str
    type: EnvironmentType
    project: ProjectOfKey
    organization: OrganizationOfKey
    pk_api_key: str = Field(description="The newest public key in force; empty when there is none.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
