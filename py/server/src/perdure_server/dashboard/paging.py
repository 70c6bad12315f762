"""Pages of a list that is too long for one: each begins below the last row of the page before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from perdure_server.dashboard import paths

Row = TypeVar("Row")

QUERY = "below"
"""The query's parameter with the id below which a page begins."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One page of a list, with the addresses of its neighbours, as ``_partials/pager.html`` wants them."""

    rows: list[Row]
    older: str | None
    newest: str | None


def begins_below(query: Mapping[str, str]) -> str | None:
    """The id below which the page begins; None: at the newest, also when the query holds no id."""
    try:
        return str(UUID(query[QUERY]))
    except (KeyError, ValueError):
        return None


def listing(
    here: str, query: Mapping[str, str], found: list[Row], size: int, id_of: Callable[[Row], str]
) -> Listing[Row]:
    """Make a page of what was found for it.

    Args:
        here: the path of the list.
        query: of this page; what else is in it stays.
        found: one row more than ``size``, if there is one.
        size: rows of a page.
        id_of: what ``begins_below`` gives of the next page.
    """
    kept = {name: value for name, value in query.items() if name != QUERY}
    rows = found[:size]
    return Listing(
        rows,
        older=paths.with_query(here, **kept, **{QUERY: id_of(rows[-1])}) if len(found) > size else None,
        newest=(paths.with_query(here, **kept) if kept else here) if QUERY in query else None,
    )
