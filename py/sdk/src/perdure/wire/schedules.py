"""Schedules: what their ticks carry, and those that are attached to a dynamic schedule at run time."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel
from perdure.wire.manifest import ScheduleMetadata


class ScheduledPayload(WireModel):
    """Payload of a tick: when it was due, and when the one before was; None: it is the first."""

    ts: AwareDatetime
    last_timestamp: AwareDatetime | None = None


class RegisterSchedule(ScheduleMetadata):
    """Body of ``POST /api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations``."""

    id: str = Field(min_length=1, description="The registration's key, chosen by the app.")


class RegisterScheduleAnswer(WireModel):
    """Its answer."""

    id: str
    schedule: ScheduleMetadata
    metadata: JsonValue = None
    active: bool


class UnregisterScheduleAnswer(WireModel):
    """Answer of ``DELETE /api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations/{key}``."""

    ok: Literal[True]
