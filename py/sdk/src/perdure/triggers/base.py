"""What starts a job."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure.wire.manifest import EventSpecification, TriggerMetadata

if TYPE_CHECKING:
    from perdure.triggers.external_source import ExternalSource


class Trigger(ABC):
    """Starts a job. ``payload_type`` decodes payloads of jobs whose own parameter has no annotation."""

    payload_type: Any = Any

    @abstractmethod
    def metadata(self) -> TriggerMetadata:
        """What the platform needs to start runs."""

    @abstractmethod
    def specification(self, payload_schema: Any) -> EventSpecification:
        """The event as it is shown; ``payload_schema`` is the JSON Schema of the job's payload, or None."""

    def sources(self) -> Sequence[ExternalSource]:
        """The external sources that must be registered for this trigger to fire."""
        return ()
