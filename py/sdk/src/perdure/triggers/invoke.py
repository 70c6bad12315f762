"""Jobs that run only when they are invoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.triggers.base import Trigger, to_examples
from perdure.wire.events import DEFAULT_EVENT_SOURCE
from perdure.wire.manifest import EventSpecification, InvokeTrigger


class InvocationTrigger(Trigger):
    """Runs a job when it is invoked, and never else. Make it with ``invoke_trigger``."""

    def __init__(self, *, schema: Any = None, examples: Mapping[str, Any] | None = None) -> None:
        self.payload_type = Any if schema is None else schema
        self._examples = to_examples(examples)

    def metadata(self) -> InvokeTrigger:
        """Nothing starts it by itself."""
        return InvokeTrigger()

    def specification(self, payload_schema: Any) -> EventSpecification:
        """An invocation."""
        return EventSpecification(
            name="invoke",
            title="Manual Invoke",
            source=DEFAULT_EVENT_SOURCE,
            icon="trigger",
            payload_schema=payload_schema,
            examples=self._examples,
        )


def invoke_trigger(*, schema: Any = None, examples: Mapping[str, Any] | None = None) -> InvocationTrigger:
    """Start a job only by ``job.invoke(...)``, ``io.invoke(...)`` or their kin.

    Args:
        schema: type of the payload, if the job's own parameter is not annotated.
        examples: payloads to test the job with, by their names.
    Raises:
        TypeError: an example is not JSON.
    """
    return InvocationTrigger(schema=schema, examples=examples)
