"""Random cron expressions, and what two other implementations say about them."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim, CronSimError

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
MINUTE = timedelta(minutes=1)


def draw_expression(random: Random, hours: tuple[int, int] = BOUNDS[1]) -> str:
    """Draw five fields that can match; the hours that are named lie in ``hours``."""
    bounds = [BOUNDS[0], hours, *BOUNDS[2:]]
    names = [None, None, None, MONTHS, WEEKDAYS]
    while True:
        fields = [
            "*" if random.random() < all_of else _draw_field(random, *bound, name)
            for all_of, bound, name in zip([0.15, 0.3, 0.5, 0.6, 0.5], bounds, names, strict=True)
        ]
        expression = " ".join(fields)
        try:
            CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError:
            continue  # such as 30 February
        if not explain_croniter(expression) or random.random() < 0.1:
            return expression


def _draw_field(random: Random, least: int, most: int, names: list[str] | None) -> str:
    return ",".join(_draw_term(random, least, most, names) for _ in range(random.choice([1, 1, 1, 2, 3])))


def _draw_term(random: Random, least: int, most: int, names: list[str] | None) -> str:
    def write(value: int) -> str:
        if names and value - least < len(names) and random.random() < 0.5:
            return random.choice([str.upper, str.lower, str.title])(names[value - least])
        return f"{value:02}" if random.random() < 0.1 else str(value)

    first, last = sorted(random.randint(least, most) for _ in range(2))
    step = f"/{random.randint(1, most - least + 2)}"
    shapes = ["a", "a", "a-b", "a-b", "a-b/n", "a/n", "*/n"]
    shape = random.choice(shapes)
    return (
        shape.replace("a", write(first))
        .replace("b", write(last))
        .replace("*/n", f"*{step}")
        .replace("/n", step)
    )


def cronsim_fire(expression: str, after: datetime, zone: str = "UTC") -> datetime:
    """Return cronsim's first fire that lies after ``after``.

    A fixed time in an hour that comes twice it gives for the first of the two, even when that has passed.
    """
    local = after.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    return next(at for at in (at.astimezone(UTC) for at in CronSim(expression, local)) if at > after)


def croniter_fire(expression: str, after: datetime) -> datetime:
    """Return croniter's next fire in UTC, by Vixie cron's rule of the two day fields."""
    at: datetime = _read_by_croniter(expression).get_next(start_time=after)
    return at


@lru_cache(maxsize=1)  # reading takes longer than finding a fire
def _read_by_croniter(expression: str) -> croniter:
    return croniter(expression, ret_type=datetime, implement_cron_bug=True)


def explain_cronsim(expression: str) -> bool:
    """Tell whether cronsim reads a field differently: ``a-a/n`` is to it ``a/n``, to us ``a``."""
    return any(first == last for first, last, _ in _ranges(expression, r"(\w+)-(\w+)/(\d+)"))


def explain_croniter(expression: str) -> bool:
    """Tell whether croniter reads a field differently.

    ``a-a`` is to it the whole field, to us ``a``. The days of the week that ``a/n`` counts end with Saturday,
    to us, as to cronsim, with day 7. Where one day field allows every day, it takes a star anywhere in the
    other for one at its start.
    """
    days, weekdays = expression.split()[2::2]
    return (
        any(first == last for first, last, _ in _ranges(expression, r"(\w+)-(\w+)()"))
        or any(
            (7 - first) % int(step) == 0 for first, _, step in _ranges(weekdays, r"(?:^|(?<=,))(\w+)()/(\d+)")
        )
        or ",*" in days + weekdays
    )


def _ranges(text: str, pattern: str) -> list[tuple[int, int, str]]:
    def number(value: str) -> int:
        names = [*MONTHS, *WEEKDAYS]
        return (
            names.index(value.upper()) % 12 + (value.upper() in MONTHS)
            if value.isalpha()
            else int(value or -1)
        )

    return [(number(first), number(last), step) for first, last, step in re.findall(pattern, text)]


def follows_clocks(expression: str) -> bool:
    """Tell whether an expression fires at every minute shown that matches, however the clocks are changed."""
    minute, hour, *_ = expression.split()
    return "*" in (minute[0], hour[0])


def first_minute_shown(expression: str, after: datetime, until: datetime, zone: str) -> datetime | None:
    """Look at one minute after the other for the first at which the clocks of ``zone`` show what matches."""
    fields = CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
    at = after.replace(second=0, microsecond=0)
    while (at := at + MINUTE) <= until:
        shown = at.astimezone(ZoneInfo(zone))
        if (
            shown.minute in fields.minutes
            and shown.hour in fields.hours
            and shown.month in fields.months
            and fields.match_day(shown.date())
        ):
            return at
    return None
