"""Events as they are sent, stored, waited for and given to runs, and the filters that select them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, TypeAdapter

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


DEFAULT_EVENT_SOURCE = "trigger.dev"
REGISTER_SOURCE_EVENT = "dev.trigger.source.register.v2"

Scalar: TypeAlias = str | int | float | bool

FilterOperator = TypedDict(
    "FilterOperator",
    {
        "$startsWith": str,
        "$endsWith": str,
        "$ignoreCaseEquals": str,
        "$exists": bool,
        "$isNull": bool,
        "$anythingBut": "Scalar | list[Scalar]",
        "$gt": float,
        "$lt": float,
        "$gte": float,
        "$lte": float,
        "$between": list[float],
        "$includes": Scalar,
        "$not": Scalar,
    },
    total=False,
)
"""One test of a value; give one operator in each."""

EventFilter: TypeAlias = Mapping[str, "list[Scalar | FilterOperator] | EventFilter"]
"""``{key: allowed values | operators | nested filter}``; every key must match."""

_STRING_OPERATORS = {"$startsWith", "$endsWith", "$ignoreCaseEquals"}
_BOOLEAN_OPERATORS = {"$exists", "$isNull"}
_NUMBER_OPERATORS = {"$gt", "$lt", "$gte", "$lte"}
_SCALAR_OPERATORS = {"$includes", "$not"}


class RawEvent(WireModel):
    """An event on its way in. The platform fills what is missing: id, timestamp, source ``trigger.dev``."""

    name: str = Field(min_length=1)
    payload: Any = Field(default_factory=dict)
    context: Any = Field(default_factory=dict)
    id: str | None = Field(default=None, min_length=1, max_length=1000)
    timestamp: AwareDatetime | None = None
    source: str | None = None
    payload_type: Literal["JSON", "REQUEST"] | None = None


class SendEventOptions(WireModel):
    """When and for whom an event is delivered, and what its runs get. ``deliver_after`` is in seconds."""

    deliver_at: AwareDatetime | None = None
    deliver_after: int | None = None
    account_id: str | None = Field(default=None, min_length=1)
    tags: Tags | None = Field(default=None, description="Of the runs that it starts.")
    metadata: dict[str, JsonValue] | None = Field(default=None, description="Of the runs that it starts.")


class SendEventBody(WireModel):
    """Body of ``POST /api/v1/events``."""

    event: RawEvent
    options: SendEventOptions | None = None


class SendEventsBody(WireModel):
    """Body of ``POST /api/v1/events/bulk``."""

    events: list[RawEvent]
    options: SendEventOptions | None = None


class ApiEventLog(WireModel):
    """A stored event."""

    id: str
    name: str
    payload: JsonValue = None
    context: JsonValue = None
    timestamp: AwareDatetime
    deliver_at: AwareDatetime | None = None
    delivered_at: AwareDatetime | None = None
    cancelled_at: AwareDatetime | None = None


EVENT_LOGS: TypeAdapter[list[ApiEventLog]] = TypeAdapter(
    list[ApiEventLog], config=ConfigDict(defer_build=True)
)


def plain_filter(event_filter: EventFilter | None) -> dict[str, Any] | None:
    """A filter as plain dictionaries, as it travels."""
    if event_filter is None:
        return None
    return {
        key: plain_filter(matcher) if isinstance(matcher, Mapping) else matcher
        for key, matcher in event_filter.items()
    }


def check_event_filter(event_filter: object, path: str = "filter") -> None:
    """Refuse a filter that could never work, naming the place.

    Raises:
        ValueError: the place in the filter and what belongs there.
    Source: EventFilter of the trigger.dev v2 protocol.
    """
    if not isinstance(event_filter, Mapping):
        raise ValueError(f"{path} must be a mapping of keys to matchers, not {type(event_filter).__name__}")
    for key, matcher in event_filter.items():
        if not isinstance(key, str):
            raise ValueError(f"{path}: the key {key!r} must be a string")
        _check_matcher(matcher, f"{path}.{key}")


def _check_matcher(matcher: object, path: str) -> None:
    if isinstance(matcher, Mapping):
        check_event_filter(matcher, path)
    elif not isinstance(matcher, list):
        raise ValueError(
            f"{path} must be a list of values, a list of operators or a nested filter; write [{matcher!r}]"
        )
    elif any(isinstance(entry, Mapping) for entry in matcher):
        for index, entry in enumerate(matcher):
            _check_operator(entry, f"{path}[{index}]")
    elif not all(isinstance(entry, Scalar) for entry in matcher):
        raise ValueError(f"{path} may list strings, numbers and booleans only")


def _check_operator(entry: Any, path: str) -> None:
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise ValueError(
            f"{path} must be one operator, such as {{'$startsWith': 'abc'}}; several go into the list"
        )
    ((name, argument),) = entry.items()
    number = isinstance(argument, int | float) and not isinstance(argument, bool)
    if name in _STRING_OPERATORS:
        good, wanted = isinstance(argument, str), "a string"
    elif name in _BOOLEAN_OPERATORS:
        good, wanted = isinstance(argument, bool), "true or false"
    elif name in _NUMBER_OPERATORS:
        good, wanted = number, "a number"
    elif name in _SCALAR_OPERATORS:
        good, wanted = isinstance(argument, Scalar), "a string, number or boolean"
    elif name == "$anythingBut":
        values = argument if isinstance(argument, list) else [argument]
        good, wanted = all(isinstance(value, Scalar) for value in values), "a scalar or a list of scalars"
    elif name == "$between":
        good = (
            isinstance(argument, list)
            and len(argument) == 2
            and all(isinstance(v, int | float) for v in argument)
        )
        wanted = "a list of two numbers"
    else:
        raise ValueError(
            f"{path}: unknown operator {name!r}; known are {', '.join(sorted(_KNOWN_OPERATORS))}"
        )
    if not good:
        raise ValueError(f"{path}.{name} must be {wanted}, not {argument!r}")


_KNOWN_OPERATORS = (
    _STRING_OPERATORS
    | _BOOLEAN_OPERATORS
    | _NUMBER_OPERATORS
    | _SCALAR_OPERATORS
    | {"$anythingBut", "$between"}
)


MAX_TIMEOUT_S = 365 * 24 * 3600

EventName: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000)]


class EphemeralDispatcherBody(WireModel):
    """Body of ``POST /api/v1/event-dispatchers/ephemeral``: which event is wanted, where, and until when."""

    url: str = Field(json_schema_extra={"format": "uri"})
    name: EventName | Annotated[list[EventName], Field(min_length=1)]
    source: str | None = None
    filter: dict[str, JsonValue] | None = None
    context_filter: dict[str, JsonValue] | None = None
    account_id: str | None = Field(default=None, min_length=1)
    timeout_in_seconds: float = Field(default=3600, ge=1, le=MAX_TIMEOUT_S)


class EphemeralDispatcherAnswer(WireModel):
    """The dispatcher."""

    id: str
