"""Options of a task: how it is shown and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from perdure.errors import RetryAt
from perdure.retry import Retry
from perdure.wire.tasks import DisplayProperty, Style


class GiveUp:
    """Returned by ``on_error``: do not try again, whatever the policy says."""


ErrorDecision: TypeAlias = RetryAt | GiveUp | Exception | None
"""RetryAt: try again then. GiveUp: fail now. Another exception: take it instead. None: by policy."""

OnError: TypeAlias = Callable[[Exception], ErrorDecision]

Properties: TypeAlias = Mapping[str, object] | Sequence[DisplayProperty]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """How a task is shown, retried and undone.

    Args:
        name: what people see; the key when absent.
        icon: name of an icon.
        description: a sentence below the name.
        params: what went in, any JSON, for people to see.
        properties: labelled texts to highlight: ``{"Channel": "C04GW"}``, or DisplayProperty with links.
        retry: policy after a failure; None: one try. An exception's ``retry_at`` attribute is obeyed.
        on_error: looks at a failure first and may decide.
        timeout: fails a try that takes longer, with TaskTimedOut. A plain function cannot be stopped: it is
            run in a thread of its own, which is left behind.
        at_most_once: never call the function a second time, not even when the app was killed in the middle
            of it, so that nobody knows how far it came: the task fails then. Costs one more call.
        compensate: undoes the task, given its result, when the run fails later. Itself a task, with the
            standard backoff; the last task is undone first. For a task directly in the job, or the items of
            an ``io.map``; within another task it is refused: give it to that one.
        style: how to draw it.
        connection_key: name of the integration it belongs to.
    """

    name: str | None = None
    icon: str | None = None
    description: str | None = None
    params: Any = None
    properties: Properties | None = None
    retry: Retry | None = None
    on_error: OnError | None = None
    timeout: timedelta | None = None
    at_most_once: bool = False
    compensate: Callable[[Any], Any] | None = None
    style: Style | None = None
    connection_key: str | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise ValueError(f"timeout must be longer than nothing, not {self.timeout}")
        if self.at_most_once and (self.retry is not None or self.on_error is not None):
            raise ValueError("at_most_once: a task that is called once only has no use for retry or on_error")


def to_display_properties(properties: Properties | None) -> list[DisplayProperty] | None:
    """Properties as they travel."""
    if properties is None:
        return None
    if isinstance(properties, Mapping):
        return [DisplayProperty(label=label, text=str(value)) for label, value in properties.items()]
    return list(properties)
