"""Triggers on events: those your code sends, and those that external sources bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perdure.errors import ConfigurationError
from perdure.options import Properties, to_display_properties
from perdure.triggers.base import Trigger, to_examples
from perdure.wire.events import DEFAULT_EVENT_SOURCE, EventFilter, check_event_filter, plain_filter
from perdure.wire.manifest import EventRule, EventSpecification, StaticTrigger


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

    def metadata(self) -> StaticTrigger:
        """A static trigger with the rule that events must match."""
        rule = EventRule(
            event=self.name,
            source=self.source,
            payload=plain_filter(self._filter),
            context=plain_filter(self._context_filter),
        )
        return StaticTrigger(title=self.title, rule=rule, properties=self._properties)

    def specification(self, payload_schema: Any) -> EventSpecification:
        """The event under its own name."""
        return EventSpecification(
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
