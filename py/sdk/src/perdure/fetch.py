"""A request that the platform sends for a run: how it is given, checked and told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from perdure.codec import to_json_text
from perdure.options import Retry
from perdure.wire.events import EventFilter, check_event_filter
from perdure.wire.tasks import Redact

T = TypeVar("T")

ResetFormat: TypeAlias = Literal[
    "unix_timestamp", "unix_timestamp_in_ms", "iso_8601", "iso_8601_duration_openai_variant"
]
"""What a header says: seconds or milliseconds since 1970, an instant, or a duration such as ``1m30s``."""

_FETCH_TIMEOUTS = (timedelta(seconds=1), timedelta(seconds=300))
_POLL_INTERVALS = (timedelta(seconds=10), timedelta(seconds=600))
_POLL_TIMEOUTS = (timedelta(seconds=30), timedelta(seconds=3600))
_POLL_REQUEST_TIMEOUTS = (timedelta(seconds=0.1), timedelta(seconds=5))
_STATUS_PATTERN = re.compile(r"all|[0-9][0-9x]{2}|[0-9]{3}-[0-9]{3}")
_ON_TIMEOUT = "timeout"


class Redacted:
    """A text that is sent, but never shown: ``headers={"authorization": Redacted(token, prefix="Bearer ")}``.

    The platform stores it with the task, as it must send it.

    Args:
        secret: what nobody shall see.
        prefix: goes before it.
        suffix: goes after it.
    """

    def __init__(self, secret: str, *, prefix: str = "", suffix: str = "") -> None:
        self._secret, self._prefix, self._suffix = secret, prefix, suffix

    def __repr__(self) -> str:
        return f"Redacted(…, prefix={self._prefix!r}, suffix={self._suffix!r})"

    def to_wire(self) -> dict[str, Any]:
        """The text as it travels."""
        return {
            "__redactedString": True,
            "strings": [self._prefix, self._suffix],
            "interpolations": [self._secret],
        }


Text: TypeAlias = str | Redacted
"""A text, or one that is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchBackoff:
    """Send a request again after a growing delay: see Retry.

    Args:
        body_filter: only when the answer's JSON matches it.
    """

    limit: int = 5
    factor: float = 1.8
    min_delay_s: float = 1.0
    max_delay_s: float = 60.0
    randomize: bool = True
    body_filter: EventFilter | None = None

    def __post_init__(self) -> None:
        self._policy()
        check_event_filter(self.body_filter or {}, "body_filter")

    def _policy(self) -> Retry:
        return Retry(
            limit=self.limit,
            factor=self.factor,
            min_delay_s=self.min_delay_s,
            max_delay_s=self.max_delay_s,
            randomize=self.randomize,
        )

    def to_wire(self) -> dict[str, Any]:
        """The strategy as it travels."""
        return {
            "strategy": "backoff",
            **self._policy().to_wire().to_wire(),
            **_given(bodyFilter=self.body_filter),
        }


@dataclass(frozen=True, slots=True)
class FetchHeaders:
    """Send a request again when a header of the answer allows it: ``FetchHeaders("x-ratelimit-reset")``.

    Args:
        reset_header: says when; without it in the answer the request is not sent again.
        reset_format: how it says it.
        limit: requests in all, the first included.
        body_filter: only when the answer's JSON matches it.
    """

    reset_header: str
    _: KW_ONLY
    reset_format: ResetFormat = "unix_timestamp"
    limit: int = 100
    body_filter: EventFilter | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit counts every request, so it must be 1 or more, not {self.limit}")
        check_event_filter(self.body_filter or {}, "body_filter")

    def to_wire(self) -> dict[str, Any]:
        """The strategy as it travels."""
        return {
            "strategy": "headers",
            "resetHeader": self.reset_header,
            "resetFormat": self.reset_format,
            "limit": self.limit,
            **_given(bodyFilter=self.body_filter),
        }


FetchRetry: TypeAlias = Mapping[str, FetchBackoff | FetchHeaders]
"""What to do after a bad answer, by its status: ``"429"``, ``"5xx"``, ``"500-503"``, ``"502,503"``, ``all``.

The first that matches counts. ``"timeout"``: after none in time.
"""


class FetchOptions(TypedDict, total=False):
    """The rest of a request that the platform sends."""

    method: str
    """``GET`` when absent."""
    headers: Mapping[str, Text] | None
    """With ``Redacted`` values for what is secret."""
    json: Any
    """Body of plain data, a pydantic model or a dataclass."""
    body: Text | None
    """Instead, a text."""
    redact: Sequence[str]
    """Dotted paths in the result that the dashboard hides: ``["token"]``."""


class RetriedFetchOptions(FetchOptions, total=False):
    """As FetchOptions, and what happens without a good answer."""

    retry: FetchRetry | None
    """When to send it again; without it only when no connection came about."""
    timeout: timedelta | None
    """For each request, 1 s to 5 min; 2 min when absent."""


class PollOptions(FetchOptions, total=False):
    """As FetchOptions, and which answer is waited for, and how."""

    until_status: Sequence[int]
    """One of these; any good one (2xx) when absent."""
    until_headers: EventFilter | None
    """A filter for the answer's headers: ``{"x-state": ["done"]}``."""
    until_body: EventFilter | None
    """A filter for the answer's JSON: ``{"state": ["done", "failed"]}``."""
    interval: timedelta | None
    """From one request to the next, 10 s to 10 min; 10 s when absent."""
    timeout: timedelta | None
    """For all of it, 30 s to 1 h; 10 min when absent."""
    request_timeout: timedelta | None
    """For each request, 5 s at most, and when absent."""


class FetchResponse(BaseModel, Generic[T]):
    """A good answer (2xx) to ``io.background_fetch_response``."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    status: int
    headers: dict[str, str]
    """By lower-case names."""
    data: T
    """The body's JSON; None when it is none."""


_SHOWN = {
    "fetch": ("fetch", "background"),
    "fetch-response": ("fetch response", "background"),
    "fetch-poll": ("poll", "clock-bolt"),
}


def fetch_fields(
    operation: str,
    url: Text,
    *,
    retry: FetchRetry | None = None,
    timeout: timedelta | None = None,
    **request: Unpack[FetchOptions],
) -> dict[str, Any]:
    """The fields of a task that is one request and its repetitions.

    Args:
        operation: ``fetch`` or ``fetch-response``.
    Raises:
        ValueError: it can never be sent so.
    """
    strategies = dict(retry or {})
    after_timeout = strategies.pop(_ON_TIMEOUT, None)
    for pattern in strategies:
        if not all(_STATUS_PATTERN.fullmatch(part.strip().lower()) for part in pattern.split(",")):
            raise ValueError(
                f"retry: {pattern!r} is no pattern of statuses: write 429, 5xx, 500-503, all, "
                "several with commas between them, or timeout"
            )
    if after_timeout is not None and (
        not isinstance(after_timeout, FetchBackoff) or after_timeout.body_filter is not None
    ):
        raise ValueError("retry: 'timeout' takes a FetchBackoff without body_filter: there is no answer")
    timeout_s = _seconds(timeout, _FETCH_TIMEOUTS, "timeout")
    limits = _given(
        durationInMs=None if timeout_s is None else round(timeout_s * 1000),
        retry=None if after_timeout is None else after_timeout.to_wire(),
    )
    params = _given(
        retry={pattern: strategy.to_wire() for pattern, strategy in strategies.items()} or None,
        timeout=limits or None,
    )
    return _operation(operation, url, params, **request)


def poll_fields(
    url: Text,
    *,
    until_status: Sequence[int] = (),
    until_headers: EventFilter | None = None,
    until_body: EventFilter | None = None,
    interval: timedelta | None = None,
    timeout: timedelta | None = None,
    request_timeout: timedelta | None = None,
    **request: Unpack[FetchOptions],
) -> dict[str, Any]:
    """The fields of a task that asks until an answer is as wanted.

    Raises:
        ValueError: it can never be sent so.
    """
    check_event_filter(until_headers or {}, "until_headers")
    check_event_filter(until_body or {}, "until_body")
    until = _given(status=list(until_status) or None, headers=until_headers, body=until_body)
    each_s = _seconds(request_timeout, _POLL_REQUEST_TIMEOUTS, "request_timeout")
    params = _given(
        responseFilter=until or None,
        interval=_seconds(interval, _POLL_INTERVALS, "interval"),
        timeout=_seconds(timeout, _POLL_TIMEOUTS, "timeout"),
        requestTimeout=None if each_s is None else {"durationInMs": round(each_s * 1000)},
    )
    return _operation("fetch-poll", url, params, **request)


def _operation(
    operation: str,
    url: Text,
    params: Mapping[str, Any],
    *,
    method: str = "GET",
    headers: Mapping[str, Text] | None = None,
    json: Any = None,
    body: Text | None = None,
    redact: Sequence[str] = (),
) -> dict[str, Any]:
    verb, icon = _SHOWN[operation]
    return {
        "name": f"{verb} {_shown_url(url)}",
        "icon": icon,
        "operation": operation,
        "params": {"url": _url(url), "requestInit": _request_init(method, headers, json, body), **params},
        "redact": Redact(paths=list(redact)) if redact else None,
    }


def _request_init(
    method: str, headers: Mapping[str, Text] | None, json: Any, body: Text | None
) -> dict[str, Any]:
    if json is not None:
        if body is not None:
            raise ValueError("give either json or body, not both")
        body = to_json_text(json, "the request's body").decode()
        if not any(name.lower() == "content-type" for name in headers or {}):
            headers = {**(headers or {}), "content-type": "application/json"}
    if body is not None and method.upper() in ("GET", "HEAD"):
        raise ValueError(f"a {method} request has no body; give method, such as method='POST'")
    for name, value in (headers or {}).items():
        if not isinstance(value, str | Redacted):
            raise TypeError(f"header {name!r} must be a text, not {value!r}")
    sent = {name: _text(value) for name, value in (headers or {}).items()}
    return _given(method=method, headers=sent or None, body=None if body is None else _text(body))


def _url(url: Text) -> Any:
    if isinstance(url, str) and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise ValueError(f"the URL must begin with http:// or https:// and name a host, not {url!r}")
    return _text(url)


def _shown_url(url: Text) -> str:
    if isinstance(url, Redacted):
        return "[REDACTED]"
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _text(value: Text) -> Any:
    return value.to_wire() if isinstance(value, Redacted) else value


def _seconds(duration: timedelta | None, limits: tuple[timedelta, timedelta], name: str) -> float | None:
    if duration is not None and not limits[0] <= duration <= limits[1]:
        raise ValueError(f"{name} must be {limits[0]} to {limits[1]}, not {duration}")
    return None if duration is None else duration.total_seconds()


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
