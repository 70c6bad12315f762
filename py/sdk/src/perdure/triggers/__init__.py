"""What starts jobs: events, and the external sources that bring them. Schedules go here, too."""

from __future__ import annotations

from perdure.triggers.base import Trigger
from perdure.triggers.event import EventTrigger, event_trigger
from perdure.triggers.external_source import ExternalSource, ExternalSourceTrigger

__all__ = ["EventTrigger", "ExternalSource", "ExternalSourceTrigger", "Trigger", "event_trigger"]
