"""The time that a page looks at, until now, in parts: as its query says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from perdure_server.dashboard import paging

QUERY = "time"
"""The query's parameter that names one."""


@dataclass(frozen=True, slots=True)
class Window:
    """One choice of how far back a page looks."""

    name: str
    label: str
    """As in "in the last …"."""
    length: timedelta
    part: timedelta
    """What a bar of a chart stands for; the length is a whole number of them."""


HOUR = Window("hour", "hour", timedelta(hours=1), timedelta(minutes=1))
DAY = Window("day", "24 hours", timedelta(days=1), timedelta(minutes=30))
WEEK = Window("week", "7 days", timedelta(days=7), timedelta(hours=4))
MONTH = Window("month", "30 days", timedelta(days=30), timedelta(days=1))


def chosen_window(query: Mapping[str, str], windows: Sequence[Window], default: Window) -> Window:
    """The window that a query names; ``default`` when it names none of these."""
    return next((window for window in windows if window.name == query.get(QUERY)), default)


def window_tabs(
    query: Mapping[str, str], windows: Sequence[Window], chosen: Window
) -> list[tuple[str, str, bool]]:
    """Label, address and whether it is this one, of each window: what else is in the query stays."""
    kept = {name: value for name, value in query.items() if name not in (QUERY, paging.QUERY)}
    return [
        (f"Last {one.label}", f"?{urlencode(kept | {QUERY: one.name})}", one is chosen) for one in windows
    ]
