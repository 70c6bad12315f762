"""Random cron expressions: the fire that SQL finds is the one that croniter and cronsim find.

Always the same pairs, unless ``PERDURE_TEST_CRON_SEED`` asks for others, or ``PERDURE_TEST_CRON_PAIRS`` for
more.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from tests.sql.schedules.cron_draws import (
    MINUTE,
    croniter_fire,
    cronsim_fire,
    draw_expression,
    explain_croniter,
    explain_cronsim,
    first_minute_shown,
    follows_clocks,
)
from tests.support.database import Database

SEED = os.environ.get("PERDURE_TEST_CRON_SEED", "perdure")
PAIRS = int(os.environ.get("PERDURE_TEST_CRON_PAIRS", "0"))

ZONES = [
    "Africa/Cairo",  # at midnight
    "Africa/Casablanca",  # back and forward again, around Ramadan
    "America/Havana",  # forward at midnight
    "America/New_York",
    "America/St_Johns",  # at one minute past midnight, until 2011; not a whole hour from UTC
    "Asia/Kathmandu",  # none; not a whole hour from UTC
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Berlin",
    "Europe/Dublin",  # winter time is the one that differs
    "Pacific/Apia",  # left out a whole day in 2011
]
YEARS = range(1990, 2026)  # the rules of later ones are still being made

INSTANTS = 4
"""For each expression in UTC."""

Pair = tuple[str, datetime, str]
Expected = TypeVar("Expected")


def compared(
    db: Database, pairs: Sequence[Pair], expect: Callable[[Pair], Expected]
) -> list[tuple[Pair, datetime, Expected]]:
    """Each pair with the fire that SQL finds, and what is expected of it; the two are found side by side."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        found = pool.submit(fires, db, pairs)
        expected = [expect(pair) for pair in pairs]
        return list(zip(pairs, found.result(), expected, strict=True))


def fires(db: Database, pairs: Sequence[Pair]) -> list[datetime]:
    rows = db.rows(
        """
        select perdure.next_cron_fire(p.cron, p.after, p.zone) as at
        from unnest(%s::text[], %s::timestamptz[], %s::text[])
            with ordinality as p (cron, after, zone, ordinal)
        order by p.ordinal
        """,
        *map(list, zip(*pairs, strict=True)),
    )
    return [row.at.astimezone(UTC) for row in rows]


def draw_instant(random: Random) -> datetime:
    """Draw an instant of the years 1970 to 2069; often a whole minute or a turn of the month."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(36524))
    if random.random() < 0.2:
        at = at.replace(day=1) - random.choice([0, 1, 2]) * MINUTE
    else:
        at += timedelta(seconds=random.randrange(86400))
    return random.choice([at, at.replace(second=0), at.replace(microsecond=random.randrange(1_000_000))])


def test_in_utc_it_agrees_with_both_libraries(pure_db: Database) -> None:
    random = Random(f"{SEED} utc")  # noqa: S311
    count = PAIRS or 4_000
    expressions = [draw_expression(random) for _ in range(count // INSTANTS)]
    pairs = [(expression, draw_instant(random), "UTC") for expression in expressions for _ in range(INSTANTS)]
    unlike: dict[str, int] = {"croniter": 0, "cronsim": 0}
    libraries = (("cronsim", explain_cronsim), ("croniter", explain_croniter))

    def expect(pair: Pair) -> tuple[datetime, datetime]:
        expression, after, _ = pair
        return cronsim_fire(expression, after), croniter_fire(expression, after)

    for (expression, after, _), at, expected in compared(pure_db, pairs, expect):
        case = (expression, after.isoformat())
        assert at > after, case
        for (library, explained), other in zip(libraries, expected, strict=True):
            if at != other:
                assert explained(expression), (library, case, at.isoformat(), other.isoformat())
                unlike[library] += 1
    assert unlike["cronsim"] < 0.02 * count, unlike
    assert unlike["croniter"] < 0.02 * count, unlike


@cache
def changes(zone: str) -> list[datetime]:
    """Return the minutes at which the clocks of ``zone`` are put forward or back."""

    def offset(at: datetime) -> timedelta:
        return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()

    found = []
    day = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    while day.year <= YEARS[-1]:
        following = day + timedelta(days=1)
        if offset(day) != offset(following):
            before, after = 0, 24 * 60
            while after - before > 1:
                middle = (before + after) // 2
                if offset(day + middle * MINUTE) == offset(day):
                    before = middle
                else:
                    after = middle
            found.append(day + after * MINUTE)
        day = following
    return found


@pytest.fixture(scope="module")
def alike(pure_db: Database) -> set[tuple[str, int]]:
    """The years in which the databases of Python and Postgres know the same clocks, by zone."""
    first, last = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range((last - first).days)]
    asked = [
        (zone, at)
        for zone in ZONES
        for at in [*days, *(at - before for at in changes(zone) for before in (timedelta(), MINUTE))]
    ]
    rows = pure_db.rows(
        """
        select a.at at time zone a.zone as shown
        from unnest(%s::text[], %s::timestamptz[]) with ordinality as a (zone, at, ordinal)
        order by a.ordinal
        """,
        *map(list, zip(*asked, strict=True)),
    )
    apart = {
        (zone, at.year)
        for (zone, at), row in zip(asked, rows, strict=True)
        if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != row.shown
    }
    assert len(apart) < 0.05 * len(ZONES) * len(YEARS), apart
    return {(zone, year) for zone in ZONES for year in YEARS} - apart


def draw_zoned_pair(random: Random, zones: Sequence[str] = ZONES) -> Pair:
    """Draw an expression and an instant, mostly shortly before or after the clocks change."""
    zone = random.choice(zones)
    change = random.choice(changes(zone) or [datetime(2020, 3, 29, 1, tzinfo=UTC)])
    shown = change.astimezone(ZoneInfo(zone)).hour
    if random.random() < 0.2:
        change += timedelta(days=random.randrange(365))
    seconds = random.choice([random.randint(-100_000, 15_000), random.randint(-7200, 7200)])
    after = change + timedelta(seconds=seconds)
    hours = (max(shown - 2, 0), min(shown + 2, 23)) if random.random() < 0.8 else (0, 23)
    return draw_expression(random, hours), random.choice([after, after.replace(second=0)]), zone


def test_in_other_time_zones_it_agrees_with_cronsim(pure_db: Database, alike: set[tuple[str, int]]) -> None:
    """But where cronsim passes over a minute that the clocks show, or gives one that they skip."""
    random = Random(f"{SEED} zones")  # noqa: S311
    count = PAIRS or 3_000
    zones = [zone for zone in ZONES if zone != "America/St_Johns"]  # there cronsim 2.8 loops for ever
    pairs = [draw_zoned_pair(random, zones) for _ in range(count)]
    left_out = unlike = 0
    for (expression, after, zone), at, expected in compared(pure_db, pairs, lambda pair: cronsim_fire(*pair)):
        case = (expression, after.isoformat(), zone, at.isoformat())
        assert at > after, case
        if any((zone, year) not in alike for year in range(after.year, max(at, expected).year + 1)):
            left_out += 1
        elif at != expected and not explain_cronsim(expression):
            assert follows_clocks(expression), (case, expected.isoformat())
            until = max(at, expected)
            assert at == first_minute_shown(expression, after, until, zone), (case, expected.isoformat())
            unlike += 1
    assert left_out < 0.05 * count
    assert unlike < 0.01 * count


def test_what_follows_the_clocks_fires_at_the_first_minute_shown_that_matches(
    pure_db: Database, alike: set[tuple[str, int]]
) -> None:
    random = Random(f"{SEED} minutes")  # noqa: S311
    pairs = [
        pair
        for pair in (draw_zoned_pair(random) for _ in range(PAIRS or 1_000))
        if follows_clocks(pair[0]) and not explain_cronsim(pair[0]) and (pair[2], pair[1].year) in alike
    ]
    for (expression, after, zone), at in zip(pairs, fires(pure_db, pairs), strict=True):
        until = min(at, after + timedelta(days=2))
        expected = first_minute_shown(expression, after, until, zone)
        assert expected == (at if at == until else None), (
            expression,
            after.isoformat(),
            zone,
            at.isoformat(),
        )
