"""Filters of the requests to an HTTP endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

from perdure.wire.events import FilterOperator, check_event_filter, plain_filter

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class RequestFilter(TypedDict, total=False):
    """Which requests: all that are given must match. ``body`` is a filter of the JSON that was sent."""

    method: list[Method]
    headers: Mapping[str, list[str | FilterOperator]]
    query: Mapping[str, list[str | FilterOperator]]
    body: Mapping[str, Any]


def plain_request_filter(request_filter: RequestFilter) -> dict[str, Any]:
    """A filter of requests as it travels: names of headers are lower case, as those of requests.

    Raises:
        ValueError: it could never match; names the place and what belongs there.
    Source: RequestFilter of the trigger.dev v2 protocol.
    """
    plain: dict[str, Any] = {}
    for name, matcher in request_filter.items():
        path = f"filter.{name}"
        if name == "method":
            if not isinstance(matcher, list) or not set(matcher) <= set(_METHODS):
                raise ValueError(f"{path} must be a list of {', '.join(_METHODS)}, not {matcher!r}")
            plain[name] = matcher
        elif name in ("headers", "query", "body"):
            check_event_filter(matcher, path)
            plain[name] = plain_filter(matcher)  # type: ignore[arg-type]  # as was just checked
        else:
            raise ValueError(f"filter has no {name!r}: it has method, headers, query and body")
    if "headers" in plain:
        plain["headers"] = {name.lower(): matcher for name, matcher in plain["headers"].items()}
    return plain
