"""When a request is sent again: strategies by status and body, limits, reset headers, timeouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sql.operations.performing import URL, perform
from tests.sql.rows import attempts
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock

SOON = {"strategy": "backoff", "minTimeoutInMs": 2000, "randomize": False}
RESET = {
    "strategy": "headers",
    "limitHeader": "x-limit",
    "remainingHeader": "x-left",
    "resetHeader": "X-Reset",
}


@pytest.mark.parametrize(
    ("pattern", "status", "matches"),
    [
        ("all", 404, True),
        ("all", 302, True),
        ("429", 429, True),
        ("429", 428, False),
        ("500-599", 500, True),
        ("500-599", 599, True),
        ("500-599", 499, False),
        ("5xx", 503, True),
        ("5xx", 403, False),
        ("40x", 409, True),
        ("40x", 410, False),
        ("401,403", 403, True),
        ("401, 403", 403, True),
        ("401,403", 402, False),
        ("401,5XX", 502, True),
        ("", 500, False),
        ("x", 500, False),
        ("50", 500, False),
        (".*", 500, False),
    ],
)
def test_status_patterns(pure_db: Database, pattern: str, status: int, matches: bool) -> None:
    assert pure_db.call("_status_matches", pattern, status) is matches


def test_backoff_until_the_limit_with_all_attempts_in_the_history(
    db: Database, builders: Builders, clock: Clock
) -> None:
    policy = {**SOON, "limit": 4, "factor": 3, "maxTimeoutInMs": 5000}
    operation = perform(builders, {"url": URL, "retry": {"5xx": policy}})
    waits = []
    for number in range(3):
        assert operation.answered({"nth": number}, 503) == "PENDING"
        waits.append(operation.wait_s())
        assert (operation.row.status, operation.goes_on()) == ("RUNNING", False)
        clock.advance(timedelta(seconds=waits[-1] + 0.1))
    assert waits == pytest.approx([2, 2, 5], abs=0.2)
    assert operation.answered({"nth": 3}, 503) == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"nth": 3})
    assert operation.goes_on()
    history = attempts(db, operation.opened["id"])
    assert [(row.number, row.error) for row in history] == [(n + 1, {"nth": n}) for n in range(3)]
    shown = db.rows("select number, status, error from perdure_views.attempts order by number")
    assert shown[-1] == (4, "ERRORED", {"nth": 3})
    assert db.call("doctor") == []


def test_defaults_are_five_attempts_and_a_second_or_two(builders: Builders, clock: Clock) -> None:
    operation = perform(builders, {"url": URL, "retry": {"all": {"strategy": "backoff"}}})
    assert operation.answered(status=404) == "PENDING"
    assert 0.8 <= operation.wait_s() <= 2
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        assert operation.answered(status=404) == "PENDING"
    clock.advance(timedelta(minutes=1))
    assert operation.answered(status=404) == "DELIVERED"
    assert operation.outcome == ("ERRORED", {})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"reason": "no"}, {"reason": "no"}),
        ([1], [1]),
        ("<html>", {"message": "Fetch failed with status 500"}),
        ("", {"message": "Fetch failed with status 500"}),
        ("null", {"message": "Fetch failed with status 500"}),
    ],
)
def test_without_a_strategy_a_bad_answer_is_the_error(builders: Builders, body: Any, error: Any) -> None:
    operation = perform(builders, {"url": URL, "retry": {"501-599": SOON}})
    assert operation.answered(body, 500) == "DELIVERED"
    assert operation.outcome == ("ERRORED", error)
    assert operation.goes_on()


BUSY = {"error": {"code": ["busy"]}}


@pytest.mark.parametrize(
    ("retry", "body", "wait_s"),
    [
        ({"409": SOON, "4xx": {**SOON, "minTimeoutInMs": 9000}}, {}, 2),
        ({"4xx": {**SOON, "minTimeoutInMs": 9000}, "409": SOON}, {}, 9),
        ({"409": {**SOON, "bodyFilter": BUSY}}, {"error": {"code": "busy"}}, 2),
        ({"409": {**SOON, "bodyFilter": BUSY}}, {"error": {"code": "gone"}}, None),
        ({"409": {**SOON, "bodyFilter": BUSY}}, "busy, no JSON", None),
        ({"409": {**SOON, "bodyFilter": {}}}, "no JSON", 2),
        ({"409": {**SOON, "bodyFilter": BUSY}, "all": {**SOON, "minTimeoutInMs": 9000}}, {}, 9),
        ({"409": 5}, {}, None),
        ({"409": {"strategy": "backoff", "limit": 1}}, {}, None),
    ],
)
def test_the_first_strategy_that_matches_counts(
    builders: Builders, retry: dict[str, Any], body: Any, wait_s: float | None
) -> None:
    operation = perform(builders, {"url": URL, "retry": retry})
    outcome = operation.answered(body, 409)
    if wait_s is None:
        assert (outcome, operation.row.status) == ("DELIVERED", "ERRORED")
    else:
        assert outcome == "PENDING"
        assert operation.wait_s() == pytest.approx(wait_s, abs=0.2)


def reset_after(form: str, now: datetime, seconds: float) -> str:
    """A header that says so in this format."""
    at = now + timedelta(seconds=seconds)
    texts = {
        "unix_timestamp": str(int(at.timestamp())),
        "unix_timestamp_in_ms": str(int(at.timestamp() * 1000)),
        "iso_8601": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "iso_8601_duration_openai_variant": f"{int(seconds) // 60}m{int(seconds) % 60}s5ms",
    }
    return texts[form]


@pytest.mark.parametrize(
    "form", ["unix_timestamp", "unix_timestamp_in_ms", "iso_8601", "iso_8601_duration_openai_variant"]
)
def test_the_services_headers_say_when(builders: Builders, clock: Clock, form: str) -> None:
    operation = perform(builders, {"url": URL, "retry": {"429": {**RESET, "resetFormat": form}}})
    for _ in range(6):  # more often than the default limit of a backoff
        headers = {"x-limit": "5", "x-left": "0", "x-reset": reset_after(form, clock.now(), 90)}
        assert operation.answered(status=429, headers=headers) == "PENDING"
        assert operation.wait_s() == pytest.approx(90, abs=1.5)
        clock.advance(timedelta(seconds=91))
    assert operation.answered("done") == "DELIVERED"


@pytest.mark.parametrize("headers", [{}, {"x-reset": "soon"}, {"x-reset": ""}, {"x-reset": "NaN"}])
def test_headers_that_do_not_say_when_are_no_reason_to_try_again(
    builders: Builders, headers: dict[str, str]
) -> None:
    operation = perform(builders, {"url": URL, "retry": {"429": {**RESET, "resetFormat": "unix_timestamp"}}})
    assert operation.answered({"slow": "down"}, 429, headers=headers) == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"slow": "down"})


DURATION = "iso_8601_duration_openai_variant"


@pytest.mark.parametrize(
    ("value", "form", "seconds"),
    [
        ("1d2h3m4.5s6ms", DURATION, 93784.506),
        ("6m0s", DURATION, 360),
        ("20ms", DURATION, 1),
        ("40d", DURATION, 31 * 86400),
        ("1x2s", DURATION, None),
        ("", DURATION, None),
        ("1000000000", "unix_timestamp", 1),
        ("9" * 400, "unix_timestamp", None),
        ("Infinity", "unix_timestamp", None),
        ("1e18", "unix_timestamp", None),
        ("99999999999", "unix_timestamp", 31 * 86400),
        ("tomorrow", "iso_8601", None),
        ("infinity", "iso_8601", None),
        ("2000-01-01T00:00:00Z", "iso_8601", 1),
        ("5", "retry_after", None),
        (None, "unix_timestamp", None),
    ],
)
def test_reset_headers(pure_db: Database, value: str | None, form: str, seconds: float | None) -> None:
    query = "select extract(epoch from perdure._reset_at(%s, %s) - perdure.clock())"
    found = pure_db.value(query, value, form)
    assert (None if found is None else float(found)) == (seconds and pytest.approx(seconds, abs=0.01))


def test_a_timeout_is_final(builders: Builders) -> None:
    params = {"url": URL, "timeout": {"durationInMs": 7000}, "retry": {"all": SOON}}
    operation = perform(builders, params)
    assert operation.failed("TIMEOUT") == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"message": "Fetch timed out after 7000ms"})


def test_a_timeout_is_retried_as_its_policy_says(db: Database, builders: Builders, clock: Clock) -> None:
    params = {"url": URL, "timeout": {"durationInMs": 7000, "retry": {"limit": 2, "minTimeoutInMs": 4000}}}
    operation = perform(builders, params)
    assert operation.failed("TIMEOUT") == "PENDING"
    assert 3.5 <= operation.wait_s() <= 8
    clock.advance(timedelta(seconds=8))
    assert operation.failed("TIMEOUT") == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"message": "Fetch timed out after 7000ms"})
    assert [row.error for row in attempts(db, operation.opened["id"])] == [operation.row.output]


@pytest.mark.parametrize(
    ("retry", "tries"),
    [
        ({}, 3),
        ({"500": {**SOON, "limit": 9}}, 3),
        ({"all": {**SOON, "limit": 2}}, 2),
        ({"all": {**SOON, "bodyFilter": BUSY}}, 3),
        ({"all": {**RESET, "resetFormat": "unix_timestamp"}}, 3),
        ({"all": None}, 3),
    ],
)
def test_a_receiver_that_cannot_be_reached(
    builders: Builders, clock: Clock, retry: dict[str, Any], tries: int
) -> None:
    operation = perform(builders, {"url": URL, "retry": retry})
    for _ in range(tries - 1):
        assert operation.failed() == "PENDING"
        clock.advance(timedelta(minutes=1))
    assert operation.failed(message="no route") == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"message": "Fetch failed: no route"})
    assert operation.goes_on()


@pytest.mark.parametrize("verdict", ["MALFORMED", "REFUSED"])
def test_what_would_be_so_again_is_not_tried_again(builders: Builders, verdict: str) -> None:
    operation = perform(builders, {"url": URL, "retry": {"all": SOON}})
    assert operation.failed(verdict, "The answer is too large") == "DELIVERED"
    assert operation.outcome == ("ERRORED", {"message": "Fetch failed: The answer is too large"})


def test_a_policy_that_makes_no_sense_fails_its_task_alone(builders: Builders) -> None:
    operation = perform(builders, {"url": URL, "retry": {"500": {"strategy": "backoff", "factor": "x"}}})
    assert operation.answered(status=500) == "DELIVERED"
    assert operation.row.status == "ERRORED"
