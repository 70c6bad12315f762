"""HTTP endpoints: requests of others, as apps get them, and the answers that an app gives at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypedDict, TypeVar, overload
from urllib.parse import parse_qs, urlsplit

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError, field_validator

from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel, describe
from perdure.wire.delivery_headers import DeliveryHeaders
from perdure.wire.events import FilterOperator, check_event_filter, plain_filter

T = TypeVar("T")

_Name = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_Text = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x80-\xff]*$")]

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class RequestFilter(TypedDict, total=False):
    """Which requests: all that are given must match. ``body`` is a filter of the JSON that was sent."""

    method: list[Method]
    headers: Mapping[str, list[str | FilterOperator]]
    query: Mapping[str, list[str | FilterOperator]]
    body: Mapping[str, Any]


class HttpRequest(WireModel):
    """A request to an HTTP endpoint; header names are lower case.

    In a job's payload ``body`` is what was sent as UTF-8 text: bytes that are none were replaced by U+FFFD.
    """

    url: str
    method: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: bytes = Field(default=b"", alias="rawBody")
    received_at: AwareDatetime | None = Field(
        default=None, description="When the platform took it, for checks of signatures; else None."
    )

    @field_validator("headers", mode="after")
    @classmethod
    def _lower(cls, headers: dict[str, str]) -> dict[str, str]:
        return {name.lower(): value for name, value in headers.items()}

    def header(self, name: str) -> str | None:
        """One header, by its name in any case; several of one name are joined with commas."""
        return self.headers.get(name.lower())

    @property
    def query(self) -> dict[str, list[str]]:
        """The query of the URL: the values of each name."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @overload
    def json_body(self) -> Any: ...

    @overload
    def json_body(self, schema: type[T]) -> T: ...

    def json_body(self, schema: Any = Any) -> Any:
        """The body read as JSON, and as a type when one is given.

        Raises:
            ValueError: it is not JSON, or does not fit the type.
        """
        if schema is Any:
            return json.loads(self.body)
        try:
            return TypeAdapter(schema).validate_json(self.body)
        except ValidationError as error:
            raise ValueError(f"the body does not fit {schema!r}: {describe(error)}") from error


class ImmediateResponse(WireModel):
    """Answer to DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE, which the outside caller gets.

    ``body`` is a text; anything else goes out as JSON.
    """

    status: int = Field(ge=200, le=599)
    headers: dict[_Name, _Text] | None = None
    body: JsonValue = None


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


def read_http_request(headers: Mapping[str, str], body: bytes) -> tuple[str, HttpRequest]:
    """Read which HTTP endpoint is asked for an answer, and to what, from a delivery (names in lower case).

    Raises:
        MalformedMessage: a header is missing or not JSON; the text names it.
    """
    given = DeliveryHeaders(headers)
    try:
        return given.text(names.SOURCE_KEY), HttpRequest(**given.received(), body=body)
    except ValidationError as error:
        raise MalformedMessage(f"request to an HTTP endpoint: {describe(error)}") from error
