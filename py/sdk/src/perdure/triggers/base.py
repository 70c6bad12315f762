"""What starts a job."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perdure.options import Properties
from perdure.plain import to_plain
from perdure.wire.events import ApiEventLog
from perdure.wire.manifest import EventExample, EventSpecification, TriggerMetadata

if TYPE_CHECKING:
    from perdure.triggers.external_source import ExternalSource
    from perdure.triggers.webhook import Webhook


class Trigger(ABC):
    """Starts a job. ``payload_type`` decodes payloads of jobs whose own parameter has no annotation."""

    payload_type: Any = Any

    run_properties: Callable[[Any], Properties] | None = None
    """Given the job's payload, what is shown of a run before it starts; None: nothing."""

    @abstractmethod
    def metadata(self) -> TriggerMetadata:
        """What the platform needs to start runs."""

    @abstractmethod
    def specification(self, payload_schema: Any) -> EventSpecification:
        """The event as it is shown; ``payload_schema`` is the JSON Schema of the job's payload, or None."""

    def sources(self) -> Sequence[ExternalSource]:
        """The external sources that must be registered for this trigger to fire."""
        return ()

    def webhooks(self) -> Sequence[Webhook]:
        """The webhooks that must be registered for this trigger to fire."""
        return ()

    async def verify(self, event: ApiEventLog) -> str | None:
        """Why a run must not go on with its event; None: the event is genuine.

        Asked before the run's first task, but not of test runs.
        """
        return None


def to_examples(examples: Mapping[str, Any] | None) -> list[EventExample] | None:
    """Payloads by their names as they travel.

    Raises:
        TypeError: one is not JSON.
    """
    if examples is None:
        return None
    return [
        EventExample(id=f"example-{number}", name=name, payload=to_plain(payload, f"the example {name!r}"))
        for number, (name, payload) in enumerate(examples.items(), start=1)
    ]
