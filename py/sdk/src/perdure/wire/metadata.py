"""Tags and metadata of runs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, JsonValue

from perdure.wire.base import WireModel

MAX_TAGS = 50

Tag: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Tags: TypeAlias = Annotated[list[Tag], Field(max_length=MAX_TAGS)]


class RunMetadata(WireModel):
    """What a run is found by, and what the app wants to be read of it. Answer of the change below."""

    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class RunMetadataChange(WireModel):
    """Body of ``PUT /api/v1/runs/{runId}/metadata``; a tag that is both added and removed is added."""

    add_tags: Tags | None = None
    remove_tags: Tags | None = None
    metadata: dict[str, JsonValue] | None = Field(
        default=None, description="Members replace those of the same name; null removes one."
    )
