"""Webhooks that register themselves at their provider: what their registration jobs tell the platform."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perdure.wire.base import WireModel


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
