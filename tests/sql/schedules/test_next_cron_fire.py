"""When a cron expression fires next: what ``docs/reference/cron.md`` says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.refusals import refused

BERLIN = "Europe/Berlin"  # 2024: forward on 31 March, 1:00 UTC, back on 27 October, 1:00 UTC


def fires(db: Database, cron: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    """The next fires, in UTC, as ``2024-01-31 12:00``."""
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        at = db.call("next_cron_fire", cron, at, zone).astimezone(UTC)
        found.append(f"{at:%Y-%m-%d %H:%M}")
        assert (at.second, at.microsecond) == (0, 0)
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", ["2024-01-31 12:01", "2024-01-31 12:02"]),
        ("0 9 * * *", ["2024-02-01 09:00", "2024-02-02 09:00"]),
        ("5,10-12 13 * * *", ["2024-01-31 13:05", "2024-01-31 13:10", "2024-01-31 13:11"]),
        ("*/20 * * * *", ["2024-01-31 12:20", "2024-01-31 12:40", "2024-01-31 13:00"]),
        (
            "10-50/20 12 * * *",
            ["2024-01-31 12:10", "2024-01-31 12:30", "2024-01-31 12:50", "2024-02-01 12:10"],
        ),
        ("25/20 12 * * *", ["2024-01-31 12:25", "2024-01-31 12:45", "2024-02-01 12:25"]),
        ("5-5/2 12 * * *", ["2024-01-31 12:05", "2024-02-01 12:05"]),
        ("*/99 12 * * *", ["2024-02-01 12:00"]),
        ("0 0 1 JAN *", ["2025-01-01 00:00"]),
        ("0 0 1 jun-Aug *", ["2024-06-01 00:00", "2024-07-01 00:00", "2024-08-01 00:00", "2025-06-01 00:00"]),
        ("0 0 * * mon,FRI", ["2024-02-02 00:00", "2024-02-05 00:00"]),
        ("0 0 * * 0", ["2024-02-04 00:00", "2024-02-11 00:00"]),
        ("0 0 * * 7", ["2024-02-04 00:00", "2024-02-11 00:00"]),
        ("0 0 * * FRI-7", ["2024-02-02 00:00", "2024-02-03 00:00", "2024-02-04 00:00", "2024-02-09 00:00"]),
        ("0 0 31 * *", ["2024-03-31 00:00", "2024-05-31 00:00", "2024-07-31 00:00", "2024-08-31 00:00"]),
        ("0 0 29 2 *", ["2024-02-29 00:00", "2028-02-29 00:00"]),
        (" 0\t0  1 1 * ", ["2025-01-01 00:00"]),
        ("@hourly", ["2024-01-31 13:00", "2024-01-31 14:00"]),
        ("@daily", ["2024-02-01 00:00", "2024-02-02 00:00"]),
        ("@midnight", ["2024-02-01 00:00"]),
        ("@Weekly", ["2024-02-04 00:00", "2024-02-11 00:00"]),
        ("@monthly", ["2024-02-01 00:00", "2024-03-01 00:00"]),
        ("@yearly", ["2025-01-01 00:00", "2026-01-01 00:00"]),
        ("@annually", ["2025-01-01 00:00"]),
    ],
)
def test_fields(pure_db: Database, cron: str, expected: list[str]) -> None:
    assert fires(pure_db, cron, "2024-01-31 12:00", len(expected)) == expected


def test_the_29th_of_february_is_found_over_a_century_without_a_leap_day(pure_db: Database) -> None:
    assert fires(pure_db, "0 0 29 2 *", "2096-02-29", 1) == ["2104-02-29 00:00"]
    assert fires(pure_db, "0 0 29 2 */7", "2088-02-29", 1) == ["2128-02-29 00:00"]  # on a Sunday


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 0 13 * FRI", ["2024-02-02 00:00", "2024-02-09 00:00", "2024-02-13 00:00"]),  # both named: either
        ("0 0 * * FRI", ["2024-02-02 00:00", "2024-02-09 00:00", "2024-02-16 00:00"]),
        ("0 0 13 * *", ["2024-02-13 00:00", "2024-03-13 00:00"]),
        ("0 0 */2 * FRI", ["2024-02-09 00:00", "2024-02-23 00:00", "2024-03-01 00:00"]),  # a star: both
        ("0 0 13 * */5", ["2024-09-13 00:00", "2024-10-13 00:00"]),  # Fridays and Sundays
        ("0 0 1-31 * FRI", ["2024-02-01 00:00", "2024-02-02 00:00", "2024-02-03 00:00"]),
    ],
)
def test_a_day_matches_either_field_unless_one_begins_with_a_star(
    pure_db: Database, cron: str, expected: list[str]
) -> None:
    assert fires(pure_db, cron, "2024-01-31 12:00", len(expected)) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2024-01-31 11:59:59.999999", "2024-01-31 12:00"),
        ("2024-01-31 12:00", "2024-01-31 12:30"),
        ("2024-01-31 12:00:00.000001", "2024-01-31 12:30"),
        ("2024-12-31 23:30:01", "2025-01-01 00:00"),
    ],
)
def test_the_fire_comes_strictly_after_the_instant(pure_db: Database, after: str, expected: str) -> None:
    assert fires(pure_db, "*/30 * * * *", after, 1) == [expected]


@pytest.mark.parametrize(
    ("cron", "after", "zone", "expected"),
    [
        ("0 9 * * *", "2024-03-30 00:00", BERLIN, ["2024-03-30 08:00", "2024-03-31 07:00"]),
        ("0 9 * * *", "2024-01-01 00:00", "Asia/Kathmandu", ["2024-01-01 03:15"]),
        ("0 9 1 * *", "2024-01-31 22:00", "America/New_York", ["2024-02-01 14:00"]),
        # Skipped: right after the gap, once.
        ("30 2 * * *", "2024-03-30 12:00", BERLIN, ["2024-03-31 01:00", "2024-04-01 00:30"]),
        (
            "0,30 2,3 * * *",
            "2024-03-30 12:00",
            BERLIN,
            ["2024-03-31 01:00", "2024-03-31 01:30", "2024-04-01 00:00"],
        ),
        ("10 0 * * *", "2023-04-27 12:00", "Africa/Cairo", ["2023-04-27 22:00", "2023-04-28 21:10"]),
        ("10 2 * * *", "2024-10-05 00:00", "Australia/Lord_Howe", ["2024-10-05 15:30", "2024-10-06 15:10"]),
        (
            "0 12 * * *",
            "2011-12-29 12:00",
            "Pacific/Apia",
            ["2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"],
        ),
        # Shown twice: the first time, once.
        ("30 2 * * *", "2024-10-26 12:00", BERLIN, ["2024-10-27 00:30", "2024-10-28 01:30"]),
        ("45 2 * * *", "2024-10-27 01:30", BERLIN, ["2024-10-28 01:45"]),
        ("0,30 2 * * *", "2024-10-27 00:10", BERLIN, ["2024-10-27 00:30", "2024-10-28 01:00"]),
        # With a star for the hour or minute: what the clocks show, each time that they show it.
        ("0 * * * *", "2024-03-31 00:00", BERLIN, ["2024-03-31 01:00", "2024-03-31 02:00"]),
        ("*/30 2 * * *", "2024-03-30 12:00", BERLIN, ["2024-04-01 00:00"]),
        (
            "0 * * * *",
            "2024-10-26 23:30",
            BERLIN,
            ["2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"],
        ),
        (
            "*/30 2 * * *",
            "2024-10-27 00:00",
            BERLIN,
            ["2024-10-27 00:30", "2024-10-27 01:00", "2024-10-27 01:30", "2024-10-28 01:00"],
        ),
        (
            "* 2 * * *",
            "2024-04-06 14:59",
            "Australia/Lord_Howe",
            ["2024-04-06 15:30", "2024-04-06 15:31"],
        ),
    ],
)
def test_time_zones(pure_db: Database, cron: str, after: str, zone: str, expected: list[str]) -> None:
    assert fires(pure_db, cron, after, len(expected), zone) == expected


def test_the_session_s_own_time_zone_does_not_matter(pure_db: Database) -> None:
    with Database(pure_db.url) as other:
        other.execute("set timezone = 'America/New_York'")
        assert fires(other, "30 2 * * *", "2024-10-26 12:00", 2, BERLIN) == [
            "2024-10-27 00:30",
            "2024-10-28 01:30",
        ]
        assert fires(other, "30 2 * * *", "2024-03-10 00:00", 2) == ["2024-03-10 02:30", "2024-03-11 02:30"]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        (None, ["five fields", "null"]),
        ("", ["five fields"]),
        ("* * * *", ["five fields", "'* * * *'"]),
        ("0 * * * * *", ["five fields"]),
        ("@reboot", ["five fields", "@daily"]),
        ("60 * * * *", ["minute", "0-59", "'60'"]),
        ("-1 * * * *", ["minute", "'-1'"]),
        ("1,,2 * * * *", ["minute", "''"]),
        ("1, * * * *", ["minute", "''"]),
        ("MON * * * *", ["minute", "'MON'"]),
        ("99999999999 * * * *", ["minute"]),
        ("*/0 * * * *", ["minute", "'*/0'"]),
        ("*/ * * * *", ["minute", "'*/'"]),
        ("*-5 * * * *", ["minute", "'*-5'"]),
        ("1-2-3 * * * *", ["minute", "'1-2-3'"]),
        ("1/2/3 * * * *", ["minute", "'1/2/3'"]),
        ("5-1 * * * *", ["minute", "'5-1'"]),
        ("0 24 * * *", ["hour", "0-23", "'24'"]),
        ("0 1-24 * * *", ["hour", "'1-24'"]),
        ("0 0 0 * *", ["day of month", "1-31", "'0'"]),
        ("0 0 L * *", ["day of month", "'L'"]),
        ("0 0 15W * *", ["day of month", "'15W'"]),
        ("0 0 ? * *", ["day of month", "'?'"]),
        ("0 0 * 13 *", ["month", "1-12", "JAN-DEC", "'13'"]),
        ("0 0 * FOO *", ["month", "'FOO'"]),
        ("0 0 * * 8", ["day of week", "0-7", "SUN-SAT", "'8'"]),
        ("0 0 * * FRI-SUN", ["day of week", "'FRI-SUN'"]),
        ("0 0 * * MON#1", ["day of week", "'MON#1'"]),
        ("0 0 * * JAN", ["day of week", "'JAN'"]),
    ],
)
def test_what_is_no_cron_expression_is_refused_by_field(
    pure_db: Database, cron: Any, words: list[str]
) -> None:
    with refused("JQ010", "cron", *words):
        pure_db.call("next_cron_fire", cron, datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31 SEP */2", "0 0 30-31 FEB *"])
def test_a_day_that_never_comes_is_refused(pure_db: Database, cron: str) -> None:
    with refused("JQ010", "day of month", "never"):
        pure_db.call("next_cron_fire", cron, datetime(2024, 1, 1, tzinfo=UTC))


def test_what_the_clocks_never_show_is_refused(pure_db: Database) -> None:
    """On the last Sunday of March they skip the hour from two to three."""
    with refused("JQ010", "* 2 25-31 3 */7", BERLIN, "50 years"):
        pure_db.call("next_cron_fire", "* 2 25-31 3 */7", datetime(2024, 1, 1, tzinfo=UTC), BERLIN)
    assert fires(pure_db, "0 2 25-31 3 */7", "2024-01-01", 1, BERLIN) == ["2024-03-31 01:00"]


@pytest.mark.parametrize(
    "zone",
    [
        None,
        "",
        "PST",
        "CET",
        "utc",
        "UTC+3",
        "Europe/Berln",
        "Europe/Berlin5",
        "Etc/GMT+99",
        "+02",
        "/",
        "a/../b",
    ],
)
def test_what_is_no_iana_time_zone_is_refused(pure_db: Database, zone: str | None) -> None:
    with refused("JQ010", "time zone", "Europe/Berlin"):
        pure_db.call("next_cron_fire", "0 9 * * *", datetime(2024, 1, 1, tzinfo=UTC), zone)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "2024-01-01 09:00"),
        ("Etc/GMT+5", "2024-01-01 14:00"),
        ("Etc/GMT-14", "2024-01-01 19:00"),
        ("America/Port-au-Prince", "2024-01-01 14:00"),
        ("America/Argentina/Buenos_Aires", "2024-01-01 12:00"),
    ],
)
def test_iana_time_zones_of_every_form(pure_db: Database, zone: str, expected: str) -> None:
    assert fires(pure_db, "0 9 * * *", "2024-01-01 01:00", 1, zone) == [expected]


@pytest.mark.parametrize("after", ["null", "'infinity'", "'-infinity'"])
def test_what_is_no_instant_is_refused(pure_db: Database, after: str) -> None:
    with refused("JQ010", "p_after"):
        pure_db.value(f"select perdure.next_cron_fire('* * * * *', {after})")
