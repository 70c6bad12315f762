"""What a failed call means: times in headers, rate limits, refusals, and errors of other people's clients."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError

import httpx
import pytest

from perdure import ConfigurationError, GiveUp, RateLimit, RetryAt, ServiceError
from perdure_integrations.service_errors import answer_of, decide, read_time

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(seconds=90)


def http_error(status: int, headers: Mapping[str, str] | None = None) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "https://api.example.com")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=response)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (str(int(SOON.timestamp())), SOON),
        (str(int(SOON.timestamp() * 1000)), SOON),
        ("90", SOON),
        ("0.5", NOW + timedelta(seconds=0.5)),
        ("1m30s", SOON),
        ("1h0m0.5s", NOW + timedelta(hours=1, seconds=0.5)),
        ("250ms", NOW + timedelta(seconds=0.25)),
        ("2026-01-01T12:01:30Z", SOON),
        ("2026-01-01T12:01:30", SOON),
        ("2026-01-01T13:01:30+01:00", SOON.astimezone(timezone(timedelta(hours=1)))),
        ("Thu, 01 Jan 2026 12:01:30 GMT", SOON),
        (" 90 ", SOON),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 400, None),
    ],
)
def test_read_time(text: str, expected: datetime | None) -> None:
    assert read_time(text, NOW) == expected


LIMIT = RateLimit(also=(403,), remaining="calls-left", reset="calls-reset", unsaid=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "30", "calls-left": "0", "calls-reset": "90"}, 30),
        (429, {"calls-left": "0", "calls-reset": "90"}, 91),
        (429, {"Calls-Reset": "90"}, 91),
        (429, {"calls-left": "7", "calls-reset": "90"}, 60),
        (429, {"calls-left": "0", "calls-reset": str(int(NOW.timestamp()) - 5)}, 1),
        (429, {"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0),
        (429, {}, 60),
        (403, {"retry-after": "30"}, 30),
        (403, {"calls-left": "0", "calls-reset": "90"}, 91),
        (403, {"calls-left": "7", "calls-reset": "90"}, None),
        (403, {}, None),
        (503, {"retry-after": "30"}, None),
        (None, {}, None),
    ],
)
def test_the_end_of_a_rate_limit(status: int | None, headers: Mapping[str, str], wait_s: int | None) -> None:
    expected = None if wait_s is None else NOW + timedelta(seconds=wait_s)
    assert LIMIT.end(status, headers, now=NOW) == expected


def test_a_limit_that_says_no_time_is_left_to_the_backoff() -> None:
    assert RateLimit().end(429, {}, now=NOW) is None


def urllib_error(status: int, headers: Mapping[str, str]) -> HTTPError:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return HTTPError("https://api.example.com", status, "refused", message, io.BytesIO())


class Carrying(Exception):
    """An error with attributes."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__("refused")
        vars(self).update(attributes)


@pytest.mark.parametrize(
    "error",
    [
        http_error(429, {"Retry-After": "90"}),
        urllib_error(429, {"Retry-After": "90"}),
        Carrying(status=429, headers={"retry-after": "90"}),
        Carrying(http_status=429, headers={"Retry-After": "90"}),  # stripe
        Carrying(response=SimpleNamespace(status=429, headers={"retry-after": "90"})),
        Carrying(status_code=429, response=SimpleNamespace(headers={"retry-after": "90"})),
        Carrying(retry_at=SOON),
    ],
    ids=["httpx", "urllib", "status", "http_status", "response", "status_code", "retry_at"],
)
def test_a_rate_limit_is_found_in_errors_of_any_client(error: Exception) -> None:
    decision = decide(error, RateLimit(), now=NOW)
    assert isinstance(decision, RetryAt)
    assert decision.retry_at == SOON
    if isinstance(error, HTTPError):
        error.close()


@pytest.mark.parametrize(
    ("error", "is_given_up"),
    [
        (http_error(400), True),
        (http_error(404), True),
        (http_error(408), False),
        (http_error(409), False),
        (http_error(429), False),
        (http_error(500), False),
        (httpx.ConnectError("refused"), False),
        (ValueError("anything"), False),
        (Carrying(code=1045), False),  # no HTTP status
        (Carrying(status=200, is_temporary=False), True),
        (Carrying(status=404, is_temporary=True), False),
        (ConfigurationError("no token"), True),
        (ServiceError("refused", status=422), True),
        (ServiceError("no answer"), False),
    ],
)
def test_what_is_tried_again(error: Exception, is_given_up: bool) -> None:
    decision = decide(error, RateLimit(), now=NOW)
    assert isinstance(decision, GiveUp) if is_given_up else decision is None


def test_an_error_without_an_answer_has_neither_status_nor_headers() -> None:
    assert answer_of(ValueError("anything")) == (None, {})
    assert answer_of(Carrying(response={"Error": {"Code": "Throttling"}})) == (None, {})
