"""When a schedule with an interval fires next: on a grid that neither drifts nor catches up."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.support.database import Database
from tests.support.refusals import refused

MADE = datetime(2024, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "later_s", "expected_s"),
    [
        (60, 0, 60),
        (60, 59.999999, 60),
        (60, 60, 120),  # strictly after
        (60, 60.000001, 120),
        (60, 605, 660),  # what is past is left out
        (60, -3600, 60),  # never before the first
        (20, 19, 20),
        (2592000, 1, 2592000),
        (86400, 400 * 86400, 401 * 86400),
        (37, 10**9, 1_000_000_036),
    ],
)
def test_it_fires_on_the_grid(pure_db: Database, seconds: int, later_s: float, expected_s: float) -> None:
    at = pure_db.call("next_interval_fire", MADE, seconds, MADE + timedelta(seconds=later_s))
    assert at - MADE == timedelta(seconds=expected_s)


def test_late_calls_do_not_shift_it(pure_db: Database) -> None:
    """However late each fire is handled, all lie on one grid, and none is missed while there is time."""
    random = Random(1)  # noqa: S311
    at = MADE
    for number in range(1, 51):
        at = pure_db.call("next_interval_fire", at, 45, at + timedelta(seconds=random.uniform(0, 44.9)))
        assert at == MADE + number * timedelta(seconds=45)


def test_changes_of_the_clocks_do_not_matter(pure_db: Database) -> None:
    day = timedelta(days=1)
    before = datetime(2024, 3, 30, 12, tzinfo=UTC)
    with Database(pure_db.url) as other:
        other.execute("set timezone = 'Europe/Berlin'")
        assert other.call("next_interval_fire", before, 86400, before + day / 2) == before + day
        assert other.call("next_interval_fire", before, 86400, before + 300 * day) == before + 301 * day


@pytest.mark.parametrize("seconds", [None, 0, -60, 19, 2592001])
def test_an_interval_out_of_range_is_refused(pure_db: Database, seconds: int | None) -> None:
    with refused("JQ010", "seconds", "20..2592000", "null" if seconds is None else str(seconds)):
        pure_db.call("next_interval_fire", MADE, seconds, MADE)


@pytest.mark.parametrize(("previous", "now"), [("null", "now()"), ("now()", "null"), ("'infinity'", "now()")])
def test_what_is_no_instant_is_refused(pure_db: Database, previous: str, now: str) -> None:
    with refused("JQ010", "p_previous", "p_now"):
        pure_db.value(f"select perdure.next_interval_fire({previous}, 60, {now})")
