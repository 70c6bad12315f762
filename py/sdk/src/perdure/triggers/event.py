"""What starts a job: an event, those that sources bring too, or only an invocation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perdure import wire
from perdure.codec import to_plain
from perdure.errors import ConfigurationError
from perdure.options import Properties, to_display_properties
from perdure.wire.events import (
    DEFAULT_EVENT_SOURCE,
    ApiEventLog,
    EventFilter,
    check_event_filter,
    plain_filter,
)

if TYPE_CHECKING:
    from perdure.integrations import ExternalSource, Webhook


class Trigger(ABC):
    """Starts a job. ``payload_type`` decodes payloads of jobs whose own parameter has no annotation."""

    payload_type: Any = Any

    run_properties: Callable[[Any], Properties] | None = None
    """Given the job's payload, what is shown of a run before it starts; None: nothing."""

    @abstractmethod
    def metadata(self) -> wire.manifest.TriggerMetadata:
        """What the platform needs to start runs."""

    @abstractmethod
    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """The event as it is shown; ``payload_schema`` is the JSON Schema of the job's payload, or None."""

    def sources(self) -> Sequence[ExternalSource]:
        """The external sources that must be registered for this trigger to fire."""
        return ()

    def webhooks(self) -> Sequence[Webhook]:
        """The webhooks that must be registered for this trigger to fire."""
        return ()

    @property
    def declaration(self) -> Any:
        """What it belongs to that is declared on one app, which has an ``id``; None: nothing."""
        return None

    async def verify(self, event: ApiEventLog) -> str | None:
        """Why a run must not go on with its event; None: the event is genuine.

        Asked before the run's first task, but not of test runs.
        """
        return None


def to_examples(examples: Mapping[str, Any] | None) -> list[wire.manifest.EventExample] | None:
    """Payloads by their names as they travel.

    Raises:
        TypeError: one is not JSON.
    """
    if examples is None:
        return None
    return [
        wire.manifest.EventExample(
            id=f"example-{number}", name=name, payload=to_plain(payload, f"the example {name!r}")
        )
        for number, (name, payload) in enumerate(examples.items(), start=1)
    ]


class EventTrigger(Trigger):
    """Runs a job for each event with one of these names and this source that passes both filters."""

    def __init__(
        self,
        name: str | Sequence[str],
        *,
        schema: Any = None,
        source: str | None = None,
        filter: EventFilter | None = None,
        context_filter: EventFilter | None = None,
        title: str | None = None,
        icon: str = "custom-event",
        properties: Properties | None = None,
        examples: Mapping[str, Any] | None = None,
        run_properties: Callable[[Any], Properties] | None = None,
    ) -> None:
        names = [name] if isinstance(name, str) else list(name)
        if not names or not all(names):
            raise ConfigurationError(f"event trigger: name must be a name or a list of names, not {name!r}")
        for label, given in (("filter", filter), ("context_filter", context_filter)):
            try:
                check_event_filter({} if given is None else given, label)
            except ValueError as error:
                raise ConfigurationError(f"event trigger {names[0]!r}: {error}") from error
        self.name = name if isinstance(name, str) else names
        self.source = source or DEFAULT_EVENT_SOURCE
        self.payload_type = Any if schema is None else schema
        self.title = title or "Event"
        self._filter = filter
        self._context_filter = context_filter
        self._icon = icon
        self._properties = to_display_properties(properties)
        self._examples = to_examples(examples)
        self.run_properties = run_properties

    def metadata(self) -> wire.manifest.StaticTrigger:
        """A static trigger with the rule that events must match."""
        rule = wire.manifest.EventRule(
            event=self.name,
            source=self.source,
            payload=plain_filter(self._filter),
            context=plain_filter(self._context_filter),
        )
        return wire.manifest.StaticTrigger(title=self.title, rule=rule, properties=self._properties)

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """The event under its own name."""
        return wire.manifest.EventSpecification(
            name=self.name,
            title=self.title,
            source=self.source,
            icon=self._icon,
            filter=plain_filter(self._filter),
            properties=self._properties,
            payload_schema=payload_schema,
            examples=self._examples,
        )


def event_trigger(
    name: str | Sequence[str],
    *,
    schema: Any = None,
    source: str | None = None,
    filter: EventFilter | None = None,
    context_filter: EventFilter | None = None,
    examples: Mapping[str, Any] | None = None,
    run_properties: Callable[[Any], Properties] | None = None,
) -> EventTrigger:
    """Start a job for events that are sent under a name.

    Args:
        name: the event's name, or several.
        schema: type of the payload, if the job's own parameter is not annotated.
        source: who must have sent it; ``trigger.dev``, the default of sent events, when absent.
        filter: what the payload must match, such as ``{"amount": [{"$gt": 100}]}``.
        context_filter: the same for the event's context.
        examples: payloads to test the job with, by their names: ``{"a big order": Order(total=900)}``.
        run_properties: given the payload, texts to highlight on the run: ``lambda order: {"No.": order.id}``;
            the app is asked for them before the run starts, by a request of its own.
    Raises:
        ConfigurationError: a name or filter could never match.
        TypeError: an example is not JSON.
    """
    return EventTrigger(
        name,
        schema=schema,
        source=source,
        filter=filter,
        context_filter=context_filter,
        examples=examples,
        run_properties=run_properties,
    )


class InvocationTrigger(Trigger):
    """Runs a job when it is invoked, and never else. Make it with ``invoke_trigger``."""

    def __init__(self, *, schema: Any = None, examples: Mapping[str, Any] | None = None) -> None:
        self.payload_type = Any if schema is None else schema
        self._examples = to_examples(examples)

    def metadata(self) -> wire.manifest.InvokeTrigger:
        """Nothing starts it by itself."""
        return wire.manifest.InvokeTrigger()

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """An invocation."""
        return wire.manifest.EventSpecification(
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
